"""The pages that people see: each view parses, calls and renders, and decides nothing."""
