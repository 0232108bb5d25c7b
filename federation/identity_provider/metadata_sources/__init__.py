"""Metadata that others publish and that stays fresh: aggregates, single documents, MDQ (IIP-MD).

Owns: fetching, reading (large documents in a process of their own), what changes follow for the
registered service providers, and when it is done again.
Must not: show anything; the pages are in `federation.admin`.
"""
