"""What the page of `animate` shows: a run with its numbers, the rule of each op as text, and the steps they make."""
