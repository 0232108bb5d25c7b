"""The load harness: Gatehouse beside a trivial view and raw signing, interleaved in one run."""
