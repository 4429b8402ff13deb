"""What `make demo` prints when everything is up: portals, logins, keys."""

from __future__ import annotations

from typing import Any

_RULE = "─" * 72


def demo_text(content: dict[str, Any]) -> str:
    """Lay out `var/demo.json` for a person."""
    lines = ["", _RULE, f"Portavoce is up: {content['base_url']}", ""]
    for portal in content["portals"]:
        lines.append(f"  {portal['url']}")
        lines += [
            f"    {user['role']:<9} {user['email']:<28} {user['password']}"
            for user in portal["users"]
        ]
    lines += ["", f"  API {content['api_base_url']}"]
    lines += [
        f"    {organization['name']:<22} {organization['api_key']}"
        for organization in content["organizations"]
        if organization.get("api_key")
    ]
    if staff := content.get("staff"):
        lines += ["", f"  Operator  {staff['email']:<28} {staff['password']}"]
    if (sip := content.get("sip")) and sip["address"]:
        lines.append(f"  SIP       {sip['address']}, number {sip['number']}")
    lines += ["", "  All of this is in var/demo.json. Ctrl-C stops everything.", _RULE]
    return "\n".join(lines)
