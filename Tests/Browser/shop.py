"""A coffee shop that sells on the web too, with some weeks of customers: the same for each seed."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

from ovation import CRM_ID, EMAIL, MOBILE, Client, Credentials, event

PEOPLE = [
    "astrid.lindqvist",
    "bjorn.eklund",
    "clara.nystrom",
    "david.okafor",
    "elin.sandberg",
    "farid.haddad",
    "greta.holm",
    "hugo.bergman",
    "ingrid.dahl",
    "jonas.wikstrom",
    "karin.aberg",
    "leo.fontaine",
    "maja.soderberg",
    "nils.kovac",
    "olivia.hansson",
    "per.lundgren",
]
BLENDS = ["Morning", "Ethiopia Guji", "House espresso", "Decaf Colombia", "Filter of the week"]
PAGES = ["/", "/coffee", "/coffee/ethiopia-guji", "/brewing-guides/v60", "/gift-cards", "/subscriptions"]
LISTS = ["Roastery news", "Brewing course", "Offers"]


def address(person: str) -> str:
    return f"{person}@example.com"


def made(admin: Client, path: str, body: Mapping[str, Any]) -> Any:
    answer = admin.post(path, json=body)
    assert answer.status_code in (200, 201), answer.text
    return answer.json()


@dataclass
class Shop:
    """What there is in it, by name."""

    admin: Client
    now: Callable[[], datetime] = lambda: datetime.now(timezone.utc)
    #: Called between posts, for clocks that can be set.
    tick: Callable[[], None] = lambda: None
    random: random.Random = field(default_factory=lambda: random.Random(6104988))
    section: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    event_types: dict[str, str] = field(default_factory=dict)
    clients: dict[str, Client] = field(default_factory=dict)

    # MARK: Definitions

    def open(self) -> Shop:
        self.section = made(self.admin, "/audience/sections", {"name": "Coffee shop"})["discriminator"]
        made(self.admin, "/audience/sections", {"name": "Roastery"})
        made(self.admin, "/audience/keyspaces", {"name": "Loyalty card", "key_format": "text"})
        self.define(
            "coffee bought",
            "transaction",
            "A cup, at the counter or to go.",
            {"cups": {"type": "integer", "required": True}, "price": "double", "blend": "string", "decaf": "boolean"},
        )
        self.define(
            "order placed",
            "transaction",
            "An order in the web shop.",
            {
                "orderNumber": {"type": "string", "required": True},
                "total": {"type": "double", "required": True},
                "items": "integer",
                "firstOrder": "boolean",
            },
        )
        self.define("newsletter joined", "conversion", "", {"list": "string", "confirmed": "boolean"})
        self.define("page visited", "signal", "A visit in the web shop.", {"page": "string", "seconds": "integer"})
        for name in ("Web shop", "Till, Lilla Torg", "Newsletter"):
            key = made(self.admin, "/account/api-keys", {"name": name, "role": "integration"})
            self.clients[name] = Client(self.admin.url, Credentials(key["client_id"], key["client_secret"]))
        return self

    def define(self, name: str, category: str, description: str, fields: Mapping[str, Any]) -> None:
        permissions = [
            {"keyspace_discriminator": EMAIL, "read": True, "write": True},
            {"keyspace_discriminator": CRM_ID, "read": True, "write": True},
            {"keyspace_discriminator": MOBILE, "read": True, "write": False},
        ]
        body = {
            "name": name,
            "category": category,
            "description": description,
            "fields": fields,
            "keyspace_permissions": permissions,
        }
        event_type = made(self.admin, f"/audience/sections/{self.section}/events", body)
        self.event_types[name] = event_type["discriminator"]
        self.versions[name] = event_type["versions"][0]["id"]

    # MARK: What customers do

    def happening(self, when: datetime) -> Any:
        """Something that a customer does."""
        kind = self.random.choices(list(self.versions), [5, 2, 1, 8])[0]
        data: dict[str, Any] = {
            "coffee bought": lambda: {
                "cups": self.random.choices([1, 2, 3, 4], [12, 5, 2, 1])[0],
                "price": self.random.choice([38.0, 42.0, 45.5, 84.0]),
                "blend": self.random.choice(BLENDS),
                "decaf": self.random.random() < 0.2,
                "source": "till",
            },
            "order placed": lambda: {
                "orderNumber": f"W-{self.random.randrange(10_000, 99_999)}",
                "total": round(self.random.uniform(119, 899), 2),
                "items": self.random.randrange(1, 6),
                "firstOrder": self.random.random() < 0.3,
                "source": "web shop",
            },
            "newsletter joined": lambda: {"list": self.random.choice(LISTS), "confirmed": True, "source": "web shop"},
            "page visited": lambda: {
                "page": self.random.choice(PAGES),
                "seconds": self.random.randrange(4, 240),
                "source": "web shop",
            },
        }[kind]()
        return event(self.versions[kind], data, when.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z")

    def post(self, person: str, items: list[Any], client: str = "Web shop", **headers: str) -> int:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = self.clients[client].post_events(items, key=address(person), section=self.section, headers=named)
        return answer.status_code

    def weeks(self, weeks: int, per_day: float) -> None:
        """The past of each customer; regulars have more of it."""
        for rank, person in enumerate(PEOPLE):
            items = []
            for day in range(weeks * 7):
                share = per_day * (2.5 if rank == 0 else 1.2 if rank < 5 else 0.4)
                for _ in range(int(share * self.random.random() * 2)):
                    ago = timedelta(days=day, minutes=self.random.randrange(60, 12 * 60))
                    items.append(self.happening(self.now() - ago))
            for start in range(0, len(items), 200):
                assert self.post(person, items[start : start + 200]) == 204

    def mistakes(self) -> None:
        """Posts as programs with mistakes in them send them."""
        when = (self.now() - timedelta(minutes=3)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        coffee, order = self.versions["coffee bought"], self.versions["order placed"]
        wrong = [
            ("hugo.bergman", "Web shop", [event(order, {"orderNumber": "W-20114", "sum": 349.0}, when)]),
            ("maja.soderberg", "Newsletter", [event(2565266, {"list": "Offers"}, when)]),
            (
                "greta.holm",
                "Web shop",
                [
                    event(order, {"orderNumber": "W-20117", "total": "349,00", "items": 2}, when),
                    event(order, {"orderNumber": 20118, "total": 119.0, "items": 1}, when),
                ],
            ),
            ("elin.sandberg", "Till, Lilla Torg", [event(coffee, {"cups": "two", "price": 84.0}, when)]),
        ]
        for person, client, items in wrong:
            assert self.post(person, items, client) == 400
