"""What comes before the first step: the recipe settled by the data, decoded images, input size, first weights."""
