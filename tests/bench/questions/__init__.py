"""Questions put to a sample company, graded by an evaluation of their own."""
