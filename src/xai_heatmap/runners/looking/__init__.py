"""Looking at networks from a page: pictures that stay, questions, answers as packets of bytes."""
