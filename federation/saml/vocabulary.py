"""The identifiers of SAML 2.0, XML Signature and XML Encryption, in one place (SAML Core §8)."""

from __future__ import annotations

# Namespaces.
SAML = "urn:oasis:names:tc:SAML:2.0:assertion"
SAMLP = "urn:oasis:names:tc:SAML:2.0:protocol"
MD = "urn:oasis:names:tc:SAML:2.0:metadata"
MDUI = "urn:oasis:names:tc:SAML:metadata:ui"
ALG = "urn:oasis:names:tc:SAML:metadata:algsupport"
MDATTR = "urn:oasis:names:tc:SAML:metadata:attribute"
SHIBMD = "urn:mace:shibboleth:metadata:1.0"
ASLO = "urn:oasis:names:tc:SAML:2.0:protocol:ext:async-slo"
DS = "http://www.w3.org/2000/09/xmldsig#"
XENC = "http://www.w3.org/2001/04/xmlenc#"
XENC11 = "http://www.w3.org/2009/xmlenc11#"
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
XML = "http://www.w3.org/XML/1998/namespace"

PREFIXES = {
    "saml": SAML,
    "samlp": SAMLP,
    "md": MD,
    "mdui": MDUI,
    "alg": ALG,
    "mdattr": MDATTR,
    "shibmd": SHIBMD,
    "aslo": ASLO,
    "ds": DS,
    "xenc": XENC,
    "xenc11": XENC11,
    "soap": SOAP,
}

# Bindings (SAML Bindings §3).
REDIRECT = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
POST = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
ARTIFACT = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Artifact"
SOAP_BINDING = "urn:oasis:names:tc:SAML:2.0:bindings:SOAP"
DEFLATE = "urn:oasis:names:tc:SAML:2.0:bindings:URL-Encoding:DEFLATE"

# NameID formats (SAML Core §8.3).
UNSPECIFIED = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"
EMAIL_ADDRESS = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
PERSISTENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
TRANSIENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"
ENTITY = "urn:oasis:names:tc:SAML:2.0:nameid-format:entity"
ENCRYPTED = "urn:oasis:names:tc:SAML:2.0:nameid-format:encrypted"

# Attribute name formats (SAML Core §8.2).
NAME_FORMAT_URI = "urn:oasis:names:tc:SAML:2.0:attrname-format:uri"
NAME_FORMAT_BASIC = "urn:oasis:names:tc:SAML:2.0:attrname-format:basic"
NAME_FORMAT_UNSPECIFIED = "urn:oasis:names:tc:SAML:2.0:attrname-format:unspecified"

# Subject confirmation (SAML Profiles §3).
BEARER = "urn:oasis:names:tc:SAML:2.0:cm:bearer"

# Status codes (SAML Core §3.2.2.2): the first four stand at the top, the others inside one.
_STATUS = "urn:oasis:names:tc:SAML:2.0:status:"
SUCCESS = _STATUS + "Success"
REQUESTER = _STATUS + "Requester"
RESPONDER = _STATUS + "Responder"
VERSION_MISMATCH = _STATUS + "VersionMismatch"
AUTHN_FAILED = _STATUS + "AuthnFailed"
INVALID_NAME_ID_POLICY = _STATUS + "InvalidNameIDPolicy"
NO_AUTHN_CONTEXT = _STATUS + "NoAuthnContext"
NO_PASSIVE = _STATUS + "NoPassive"
NO_SUPPORTED_IDP = _STATUS + "NoSupportedIDP"
PARTIAL_LOGOUT = _STATUS + "PartialLogout"
REQUEST_DENIED = _STATUS + "RequestDenied"
REQUEST_UNSUPPORTED = _STATUS + "RequestUnsupported"
UNKNOWN_PRINCIPAL = _STATUS + "UnknownPrincipal"

# XML Signature (XML Signature 1.1 §6, RFC 9231 §2).
ENVELOPED_SIGNATURE = DS + "enveloped-signature"
EXCLUSIVE_C14N = "http://www.w3.org/2001/10/xml-exc-c14n#"
EXCLUSIVE_C14N_WITH_COMMENTS = EXCLUSIVE_C14N + "WithComments"
_DSIG_MORE = "http://www.w3.org/2001/04/xmldsig-more#"
RSA_SHA256 = _DSIG_MORE + "rsa-sha256"
RSA_SHA384 = _DSIG_MORE + "rsa-sha384"
RSA_SHA512 = _DSIG_MORE + "rsa-sha512"
ECDSA_SHA256 = _DSIG_MORE + "ecdsa-sha256"
ECDSA_SHA384 = _DSIG_MORE + "ecdsa-sha384"
ECDSA_SHA512 = _DSIG_MORE + "ecdsa-sha512"
SHA256 = XENC + "sha256"
SHA384 = _DSIG_MORE + "sha384"
SHA512 = XENC + "sha512"

# XML Encryption (XML Encryption 1.1 §5). SHA-1 only inside OAEP, see `encryption`.
SHA1 = DS + "sha1"
AES128_GCM = XENC11 + "aes128-gcm"
AES192_GCM = XENC11 + "aes192-gcm"
AES256_GCM = XENC11 + "aes256-gcm"
RSA_OAEP_MGF1P = XENC + "rsa-oaep-mgf1p"
RSA_OAEP = XENC11 + "rsa-oaep"
MGF1_SHA1 = XENC11 + "mgf1sha1"
MGF1_SHA256 = XENC11 + "mgf1sha256"
ELEMENT = XENC + "Element"


def name(prefixed: str) -> str:
    """Return the expanded name of a `prefix:local` whose prefix is one of ours."""
    prefix, _, local = prefixed.partition(":")
    return f"{{{PREFIXES[prefix]}}}{local}"
