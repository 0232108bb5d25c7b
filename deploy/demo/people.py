"""Who lives in the demonstration: alice with a full profile, bob with little, and admin."""

from __future__ import annotations

import json

ADDRESS = {
    "formatted": "1 Harbour Street\nDublin D01 F5P2\nIreland",
    "street_address": "1 Harbour Street",
    "locality": "Dublin",
    "region": "Leinster",
    "postal_code": "D01 F5P2",
    "country": "Ireland",
}
ALICE = {
    "name": "Alice Archer",
    "given_name": "Alice",
    "family_name": "Archer",
    "middle_name": "Maeve",
    "nickname": "Al",
    "profile": "https://people.example.org/alice",
    "picture": "https://people.example.org/alice.png",
    "website": "https://alice.example.org",
    "gender": "female",
    "birthdate": "1990-04-12",
    "zoneinfo": "Europe/Dublin",
    "locale": "en-IE",
    "phone_number": "+35315550100",
    "department": "Engineering",
}
BOB = {"name": "Bob Baker", "given_name": "Bob", "family_name": "Baker"}
ADMIN = {"name": "Ada Admin", "given_name": "Ada", "family_name": "Admin"}


def claims(values: dict[str, str]) -> list[str]:
    """Options of `create_user`."""
    return [f"--claim={name}={value}" for name, value in values.items()]


PEOPLE = {
    "alice": [
        *("--email=alice@example.org", "--group=staff", "--group=users"),
        *claims(ALICE),
        f"--claim=address:={json.dumps(ADDRESS)}",
        "--claim=phone_number_verified:=true",
    ],
    "bob": ["--email=bob@example.org", "--group=users", *claims(BOB)],
    "admin": ["--email=admin@example.org", *claims(ADMIN), "--superuser"],
}
