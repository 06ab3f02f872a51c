"""Time: the jobs that look what is due, and the loop that runs them."""
