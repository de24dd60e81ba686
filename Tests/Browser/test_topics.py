"""Channels, folders and topics: made, renamed, moved and removed in their lists."""

from __future__ import annotations

from browser import Browser
from ovation import DEFAULT_SECTION, EMAIL, Client

SECTION = f"/audience/sections/{DEFAULT_SECTION}"


def names(admin: Client, path: str) -> list[str]:
    return [item["name"] for item in admin.get(path).json()["items"]]


def test_a_channel_is_made_renamed_and_removed(console: Browser, admin: Client) -> None:
    console.follow("Channels")
    assert not console.has("link", "Remove… Email"), "it comes with the account"
    console.fill("Name of the new channel", "Push")
    console.choose("Keyspace of its addresses", "Web")
    console.press("Create channel")
    console.wait_for_text("The channel ‘Push’ is created.")
    console.fill("Name of Push", "App")
    console.press("Save Push")
    console.wait_for_text("The channel is called ‘App’ now.")
    assert names(admin, "/audience/channels") == ["Email", "SMS", "App"]
    console.follow("Remove… App")
    assert console.heading == "Remove ‘App’?"
    console.press("Remove channel")
    console.wait_for_text("‘App’ is removed.")
    assert names(admin, "/audience/channels") == ["Email", "SMS"]


def test_a_topic_is_made_in_a_folder_moved_to_another_and_removed(console: Browser, admin: Client) -> None:
    console.open(f"/console/sections/{DEFAULT_SECTION}/event-types")
    console.follow("Topics")
    assert "this section has none yet" in console.main
    console.follow("Create a folder")
    for name in ("Newsletters", "Surveys"):
        console.fill("Name of the new folder", name)
        console.press("Create folder")
        console.wait_for_text(f"The folder ‘{name}’ is created.")
    console.follow("Topics", console.css(".tabs")[0])
    console.fill("Name of the new topic", "Weekly offers")
    console.choose("Folder", "Newsletters")
    console.choose("Channel", "SMS")
    console.press("Create topic")
    console.wait_for_text("The topic ‘Weekly offers’ is created.")
    console.fill("Name of Weekly offers", "Offers")
    console.press("Save Weekly offers")
    console.wait_for_text("The topic is called ‘Offers’ now.")
    console.follow("Move… Offers")
    assert console.heading == "Move ‘Offers’"
    console.choose("Folder", "Surveys")
    console.press("Move topic")
    console.wait_for_text("‘Offers’ is in the folder ‘Surveys’ now.")
    topic = admin.get(f"/v2{SECTION}/topics").json()["items"][0]
    assert topic["channel_discriminator"] == "com.apsis1.channels.sms"
    console.follow("Folders")
    assert not console.has("link", "Remove… Surveys"), "it has a topic"
    console.follow("1 topic in Surveys")
    assert len(console.css("main tbody tr")) == 1
    console.follow("Remove… Offers")
    console.press("Remove topic")
    console.wait_for_text("‘Offers’ is removed.")
    console.follow("Folders")
    console.follow("Remove… Surveys")
    console.press("Remove folder")
    console.wait_for_text("‘Surveys’ is removed.")
    assert names(admin, f"{SECTION}/consent-lists") == ["Newsletters"]
    console.open("/console/history")
    assert "Changed the topic ‘Offers’ in the folder ‘Surveys’." in console.main


def test_the_list_of_topics_says_how_many_have_opted_in_and_out(console: Browser, admin: Client) -> None:
    base = f"/v2{SECTION}"
    folder = admin.request("POST", f"{base}/folders", json={"name": "Newsletters"}).json()["discriminator"]
    topics = [
        admin.request("POST", f"{base}/topics", json={"name": name, "folder_discriminator": folder}).json()["discriminator"]
        for name in ("Weekly", "Monthly")
    ]
    for key, kind in (("a", "opt-in"), ("b", "opt-in"), ("c", "opt-out")):
        path = f"/audience/keyspaces/{EMAIL}/sections/{DEFAULT_SECTION}/profiles"
        assert admin.request("POST", path, json={"profile_key": f"{key}@example.com"}).status_code == 201
        path = f"/v2/audience/keyspaces/{EMAIL}/profiles/{key}%40example.com/sections/{DEFAULT_SECTION}/consents"
        body = {
            "type": kind,
            "topic_discriminator": topics[0],
            "channel_discriminator": "com.apsis1.channels.email",
            "reason": "",
        }
        assert admin.request("POST", path, json=body).status_code == 201
    console.open(f"/console/sections/{DEFAULT_SECTION}/topics")
    rows = [row.text for row in console.css("main tbody tr")]
    assert ["Email: 2 opt-ins, 1 opt-out" in row for row in rows] == [True, False]
    assert "None" in rows[1]
