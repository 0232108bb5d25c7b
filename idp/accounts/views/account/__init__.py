"""The account pages: what a person sees and changes of their own, and of nobody else's."""
