"""What is told of the chosen module, one file for each panel."""
