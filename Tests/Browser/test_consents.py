"""Consents of a profile: shown, set with a reason, refused where they cannot follow, and their history; and suppressions."""

from __future__ import annotations

from browser import Browser
from ovation import DEFAULT_SECTION, EMAIL, Client

KEY = "consenting@apsis.com"
BASE = f"/v2/audience/sections/{DEFAULT_SECTION}"


def test_consents_are_set_and_their_history_is_shown(console: Browser, admin: Client) -> None:
    folder = admin.post(BASE + "/folders", json={"name": "Newsletters"}).json()["discriminator"]
    for topic in [
        {"name": "Weekly offers", "folder_discriminator": folder},
        {"name": "Text alerts", "folder_discriminator": folder, "channel_discriminator": "com.apsis1.channels.sms"},
    ]:
        assert admin.post(BASE + "/topics", json=topic).status_code == 201
    made = f"/audience/keyspaces/{EMAIL}/sections/{DEFAULT_SECTION}/profiles"
    assert admin.post(made, json={"profile_key": KEY}).status_code == 201
    [found] = admin.get("/audience/profiles", params={"key": KEY, "exact": "true"}).json()["items"]
    console.open(f"/console/profiles/{found['profile_id']}?section={DEFAULT_SECTION}")
    assert "said nothing about being written to" in console.main
    console.follow("Consents and their history")
    assert "Nothing was said yet" in console.main and "another channel only" in console.main
    console.choose("Topic", "Weekly offers")
    console.choose("Channel", "Email")
    console.choose("Type", "opt-in")
    console.fill("Reason", "Signed up at checkout.")
    console.press("Set consent")
    console.wait_for_text("The consent is set.")
    rows = [row.text for row in console.css("table")[-1].find_elements("css selector", "tbody tr")]
    assert len(rows) == 1 and "none opt-in" in rows[0] and "Signed up at checkout." in rows[0]
    console.expected_statuses = {409}
    console.choose("Topic", "Weekly offers")
    console.choose("Channel", "Email")
    console.choose("Type", "opt-in")
    console.press("Set consent")
    assert "cannot follow" in console.main
    console.expected_statuses = {400, 409}
    console.choose("Topic", "Text alerts")
    console.choose("Channel", "Email")
    console.choose("Type", "opt-out")
    console.press("Set consent")
    assert "are for the channel" in console.main
    console.press("Mask profile keys")
    assert "Signed up" not in console.source and KEY not in console.source
    console.press("Show profile keys")
    console.follow(f"Profile {KEY}")
    assert "opt-in" in console.main
    console.follow("Changes")
    assert console.css("ol.timeline h2")[0].text == "consent to Weekly offers, Email changed"


def test_an_address_is_suppressed_looked_up_and_released(console: Browser, admin: Client) -> None:
    console.open("/console/channels")
    console.follow("Suppressions of Email")
    assert "No address is suppressed" in console.main
    console.fill("Address", "never@apsis.com")
    console.fill("Reason", "Complained about spam.")
    console.press("Suppress…")
    assert "Suppress never@apsis.com?" in console.main
    console.press("Suppress the address")
    console.wait_for_text("The address is suppressed.")
    rows = [row.text for row in console.css("table tbody tr")]
    assert len(rows) == 1 and "Complained about spam." in rows[0] and "never@" not in rows[0]
    address = "/audience/channels/com.apsis1.channels.email/addresses/never%40apsis.com/suppression"
    assert admin.get(address).json()["source"] == "Console"
    console.fill("Address", "never@apsis.com")
    console.press("Look up")
    console.wait_for_text("This address is suppressed.")
    console.fill("Reason", "A mistake.")
    console.press("Lift…")
    console.press("Lift the suppression")
    console.wait_for_text("The suppression is lifted.")
    assert "No address is suppressed" in console.main
    said = admin.get(address + "/history").json()["items"]
    assert [(change["suppressed"], change["reason"]) for change in said] == [
        (False, "A mistake."),
        (True, "Complained about spam."),
    ]
