"""AWS, one file per stack. Charts come in through `charts.rendering`; nothing goes back."""
