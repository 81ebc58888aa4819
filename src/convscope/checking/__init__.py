"""What was found in a data set, as a page with pictures and as a list of images to leave out."""
