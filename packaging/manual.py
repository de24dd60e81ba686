"""Writes man pages from what the program says of itself.

    ovation --experimental-dump-help | manual.py FOLDER VERSION DATE

One page for the program, and one for each of its commands: ovation.1, ovation-serve.1, ovation-keys.1, ...
"""

import json
import sys
from pathlib import Path


def escaped(text: str) -> str:
    """Text as roff shows it unchanged."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("`", "\\(ga")
    return "\n".join("\\&" + line if line.startswith(".") else line for line in text.split("\n"))


def paragraphs(text: str) -> list[str]:
    """Paragraphs are filled. Lines that begin with two blanks stay as they are, and so do commands."""
    lines: list[str] = []
    for block in text.split("\n\n"):
        if not block.strip():
            continue
        lines.append(".PP")
        is_literal = False
        is_example = all(line.strip().startswith("ovation ") for line in block.split("\n"))
        for line in block.split("\n"):
            if (is_example or line.startswith("  ")) != is_literal:
                is_literal = not is_literal
                lines.append(".RS 4\n.nf" if is_literal else ".fi\n.RE")
            lines.append(escaped(line.strip() if is_literal else line))
        if is_literal:
            lines.append(".fi\n.RE")
    return lines


def name(option: dict) -> str:
    return ("--" if option["kind"] == "long" else "-") + option["name"]


def argument(value: dict) -> str:
    """How an argument is written on the command line."""
    if value["kind"] == "positional":
        word = f"<{value['valueName']}>"
    else:
        word = ", ".join(name(option) for option in value["names"])
        if value["kind"] == "option":
            word += f" <{value['valueName']}>"
    return word + ("..." if value["isRepeating"] else "")


def shown(command: dict) -> list[dict]:
    return [value for value in command.get("arguments", []) if value["shouldDisplay"]]


def synopsis(words: str, command: dict) -> str:
    parts = [words]
    for value in shown(command):
        if any(option["name"] in ("help", "version") for option in value.get("names", [])):
            continue
        word = argument(value)
        parts.append(f"[{word}]" if value["isOptional"] else word)
    subcommands = [s for s in command.get("subcommands", []) if s["commandName"] != "help"]
    if subcommands:
        parts.append("<command>")
    return " ".join(parts)


def options(command: dict) -> list[str]:
    lines: list[str] = []
    for value in shown(command):
        lines += [".TP", f"\\fB{escaped(argument(value))}\\fR", escaped(value.get("abstract", "") or "See above.")]
    return lines


def section(words: str, command: dict, level: str) -> list[str]:
    """A command within another's page, and all that belong to it."""
    lines = [f"{level} \"{escaped(words)}\"", escaped(command.get("abstract", ""))]
    lines += [".PP", f"\\fB{escaped(synopsis(words, command))}\\fR"]
    lines += paragraphs(command.get("discussion", ""))
    lines += options(command)
    for sub in command.get("subcommands", []):
        if sub["commandName"] != "help":
            lines += section(f"{words} {sub['commandName']}", sub, ".SS")
    return lines


def page(title: str, words: str, command: dict, version: str, date: str, others: list[str]) -> str:
    lines = [
        f'.TH "{title.upper()}" 1 "{date}" "Ovation {version}" "User commands"', ".SH NAME",
        f"{escaped(title)} \\- {escaped(command['abstract'].rstrip('.'))}", ".SH SYNOPSIS",
        f"\\fB{escaped(synopsis(words, command))}\\fR", ".SH DESCRIPTION", escaped(command["abstract"]),
    ]
    lines += paragraphs(command.get("discussion", ""))
    subcommands = [s for s in command.get("subcommands", []) if s["commandName"] != "help"]
    if words == "ovation":
        lines.append(".SH COMMANDS")
        for sub in subcommands:
            lines += [".TP", f"\\fBovation {escaped(sub['commandName'])}\\fR", escaped(sub["abstract"])]
            if f"ovation-{sub['commandName']}" in others:
                lines.append(f"See \\fBovation\\-{escaped(sub['commandName'])}\\fR(1).")
    elif subcommands:
        lines.append(".SH COMMANDS")
        for sub in subcommands:
            lines += section(f"{words} {sub['commandName']}", sub, ".SS")
    lines += [".SH OPTIONS", *options(command)]
    lines += [
        ".SH FILES", ".TP", "\\fI/etc/ovation/ovation.yaml\\fR", "Settings of the service.", ".TP",
        "\\fI/etc/ovation/ovation.env\\fR", "The admin API key of the service; only root reads it.", ".TP",
        "\\fI/var/lib/ovation\\fR", "The store of the service.", ".TP", "\\fI~/.config/ovation/client.yaml\\fR",
        "Address and API key for the commands that talk to a server.", ".SH SEE ALSO",
        ", ".join(f"\\fB{escaped(other)}\\fR(1)" for other in others if other != title) + ",",
        "\\fI/usr/share/doc/ovation\\fR",
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    folder, version, date = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    command = json.load(sys.stdin)["command"]
    commands = [s for s in command["subcommands"] if s["commandName"] not in ("help", "version")]
    names = ["ovation"] + [f"ovation-{sub['commandName']}" for sub in commands]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "ovation.1").write_text(page("ovation", "ovation", command, version, date, names))
    for sub in commands:
        title = f"ovation-{sub['commandName']}"
        text = page(title, f"ovation {sub['commandName']}", sub, version, date, ["ovation"])
        (folder / f"{title}.1").write_text(text)


main()
