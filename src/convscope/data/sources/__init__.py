"""What lies at a path or under a name -> labelled images in splits, whatever form they come in."""
