"""What is odd about a data set, told before it is trained on."""
