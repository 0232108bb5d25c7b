"""Well-known SaaS applications as templates: facts, each with the place its vendor documents it.

Owns the catalogue and how a template becomes a service provider. A fact that could not be confirmed
is left out. No template changes what an administrator decided about a registered one.
"""
