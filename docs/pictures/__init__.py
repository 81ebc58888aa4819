"""The pictures of the course, drawn by code."""
