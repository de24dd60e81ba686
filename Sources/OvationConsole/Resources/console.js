const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const one = (selector, root = document) => root.querySelector(selector);

// Elements are made with text alone, so that whatever a post contains stays text.
const make = (tag, options = {}, ...children) => {
  const { text, ...attributes } = options;
  const element = document.createElement(tag);
  if (text !== undefined) element.textContent = text;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children.filter(Boolean));
  return element;
};

const announce = (text) => {
  const region = one("#announce");
  region.textContent = "";
  setTimeout(() => { region.textContent = text; }, 50);
};

const ask = async (url, options = {}) => {
  const headers = { "X-Requested-With": "console", ...options.headers };
  const answer = await fetch(url, { ...options, headers, credentials: "same-origin" });
  if (!answer.ok) {
    // What the reader can do something about, the server says in words.
    const hasWords = answer.status < 500 && answer.headers.get("Content-Type")?.startsWith("text/plain");
    throw new Error(hasWords ? await answer.text() : `The server answered ${answer.status}. Try again in a moment.`);
  }
  return answer.text();
};

// A page that the browser kept for its button Back shows how things were, perhaps before signing out.
addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

const parse = (html) => new DOMParser().parseFromString(html, "text/html");

const debounce = (wait, act) => {
  let timer;
  return () => { clearTimeout(timer); timer = setTimeout(act, wait); };
};

// Times

const clock = (date, timeStyle = "medium") => date.toLocaleTimeString("en-GB", { timeStyle });

const localTimes = (root) => {
  for (const element of all("time[datetime]:not([title])", root)) {
    const date = new Date(element.dateTime);
    if (Number.isNaN(date.getTime())) continue;
    element.title = element.textContent;
    element.textContent = `${date.toLocaleDateString("sv-SE")} ${clock(date, "long")}`;
  }
};

// Copying

const copyText = async (source) => {
  const text = source.value ?? source.textContent;
  if (navigator.clipboard && window.isSecureContext) return navigator.clipboard.writeText(text);
  const area = make("textarea", { readonly: "", class: "hide" });
  area.value = text;
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  if (!done) throw new Error("not copied");
};

document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("button[data-copy]");
  const source = button && document.getElementById(button.dataset.copy);
  if (!source) return;
  let done = true;
  try { await copyText(source); } catch { done = false; }
  button.focus();
  button.textContent = done ? "Copied" : "Not copied";
  announce(done ? "Copied" : "Could not copy. Select the text and copy it yourself.");
  setTimeout(() => { button.textContent = "Copy"; }, 1500);
});

// Navigation on narrow screens

const menu = one("button.menu");
menu?.addEventListener("click", () => {
  menu.setAttribute("aria-expanded", String(one("#menu").classList.toggle("open")));
});
const open = "details.switch[open], details.picker[open]";
document.addEventListener("click", (event) => {
  for (const details of all(open)) if (!details.contains(event.target)) details.open = false;
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const details of all(open)) {
    if (details.contains(document.activeElement)) one("summary", details).focus();
    details.open = false;
  }
  if (menu?.getAttribute("aria-expanded") === "true" && one(".top").contains(event.target)) {
    menu.click();
    menu.focus();
  }
});

// Forms that are checked while they are filled in

const liveForm = (form) => {
  const target = document.getElementById(form.dataset.target);
  let running;
  let said = one("[data-say]", target)?.textContent;
  const update = async () => {
    running?.abort();
    const mine = running = new AbortController();
    target.setAttribute("aria-busy", "true");
    try {
      const body = new URLSearchParams(new FormData(form));
      const html = await ask(form.dataset.live, { method: "POST", body, signal: mine.signal });
      target.replaceChildren(...parse(html).body.childNodes);
    } catch (error) {
      if (error.name === "AbortError") return;
      target.replaceChildren(make("p", { class: "note warning", text: error.message, "data-say": "" }));
    }
    target.removeAttribute("aria-busy");
    enhance(target);
    const words = one("[data-say]", target)?.textContent;
    if (words && words !== said) announce(words);
    said = words;
  };
  const soon = debounce(300, update);
  form.addEventListener("input", soon);
  form.addEventListener("rows", soon);
};

// Rows of fields

const fieldRows = (form) => {
  const body = one(`#${form.dataset.rows} tbody`);
  const rows = () => all("[data-row]", body);
  const setNumber = (row, index) => {
    const number = index + 1;
    const [name, type, required, remove] =
      ["input[name=field_name]", "select", "input[type=checkbox]", "button"].map((part) => one(part, row));
    name.id = `field_name_${index}`;
    type.id = `field_type_${index}`;
    required.id = required.name = `field_required_${index}`;
    remove.value = `remove-field:${index}`;
    name.setAttribute("aria-label", `Name of field ${number}`);
    type.setAttribute("aria-label", `Type of field ${number}`);
    required.setAttribute("aria-label", `Field ${number} is required`);
    remove.setAttribute("aria-label", `Remove field ${number}`);
  };
  const addButton = one("button[value=add-field]", form);
  form.addEventListener("click", (event) => {
    const button = event.target.closest("button[name=action]");
    if (button === addButton) {
      event.preventDefault();
      const row = one("template", form).content.firstElementChild.cloneNode(true);
      one(".fixed", body).before(row);
      rows().forEach(setNumber);
      one("input", row).focus();
      announce(`Field ${rows().length} added`);
    } else if (button?.value.startsWith("remove-field:")) {
      event.preventDefault();
      const index = rows().indexOf(button.closest("tr"));
      rows()[index].remove();
      // Messages name rows by their number, which changes.
      all(".error", body).forEach((error) => error.remove());
      rows().forEach(setNumber);
      const near = rows()[Math.min(index, rows().length - 1)];
      (near ? one("input", near) : addButton).focus();
      announce(`Field ${index + 1} removed`);
      form.dispatchEvent(new Event("rows"));
    }
  });
};

// Lists that go on, and parts that come later

const moreLink = (link) => {
  const list = document.getElementById(link.dataset.more);
  let busy = false;
  let pages = 0;
  const load = async () => {
    if (busy) return;
    busy = true;
    link.setAttribute("aria-busy", "true");
    watcher.disconnect();
    try {
      const page = parse(await ask(link.href));
      const items = all("[data-timeline]", page);
      items.forEach((item) => list.append(document.adoptNode(item)));
      items.forEach(enhance);
      announce(`${items.length} older events loaded`);
      const next = one("a[data-more]", page);
      pages += 1;
      if (!next) link.closest(".more").remove();
      else {
        link.href = next.href;
        if (pages < 25) watcher.observe(link);
      }
    } catch (error) { announce(error.message); }
    link.removeAttribute("aria-busy");
    busy = false;
  };
  const watcher = new IntersectionObserver(
    (entries) => { if (entries.some((entry) => entry.isIntersecting)) load(); }, { rootMargin: "600px" });
  watcher.observe(link);
  link.addEventListener("click", (event) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    load();
  });
};

const lazy = async (element) => {
  element.setAttribute("aria-busy", "true");
  try {
    element.replaceChildren(...parse(await ask(element.dataset.load)).body.childNodes);
    enhance(element);
    all("[data-end]", element).forEach((scroll) => { scroll.scrollLeft = scroll.scrollWidth; });
  } catch (error) {
    element.prepend(make("p", { class: "muted", text: error.message }));
  }
  element.removeAttribute("aria-busy");
};

// JSON pointers: where in a text the value stands, or the innermost place on the way to it

const locate = (text, pointer) => {
  const open = [];
  let best;
  for (const { 0: token, index } of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g)) {
    const within = open.at(-1);
    if (token === "}" || token === "]") {
      if (within) open.pop().place[1] = index + 1;
    } else if (token === ",") {
      if (within) { within.name = undefined; within.index += 1; }
    } else if (within?.isObject && within.name === undefined) {
      within.name = token.slice(1, -1).replaceAll("~", "~0").replaceAll("/", "~1");
    } else if (token !== ":") {
      const path = within ? `${within.path}/${within.name ?? within.index}` : "";
      const place = [index, index + token.length];
      if (`${pointer}/`.startsWith(`${path}/`)) best = place;
      if (token === "{" || token === "[") open.push({ path, place, isObject: token === "{", index: 0 });
    }
  }
  return best;
};

const pointer = (code) => {
  const editor = one("#body");
  if (!editor) return;
  const button = make("button", {
    type: "button", class: "place", text: code.textContent, "aria-label": `Show ${code.textContent} in the body`,
  });
  button.addEventListener("click", () => {
    const place = locate(editor.value, code.dataset.pointer);
    if (!place) return;
    // Browsers scroll to the cursor only when the selection is empty at first.
    editor.setSelectionRange(place[0], place[0]);
    editor.blur();
    editor.focus();
    const line = editor.value.slice(0, place[0]).split("\n").length;
    const height = editor.scrollHeight / editor.value.split("\n").length;
    editor.scrollTop = Math.max(0, (line - 6) * height);
    editor.setSelectionRange(place[0], place[1]);
  });
  code.replaceChildren(button);
};

// The live stream

const stream = (section) => {
  const most = 200;
  const [list, empty, count, dropped, state, pause, clear] =
    ["list", "empty", "count", "dropped", "state", "pause", "clear"].map((name) => one(`[data-live-${name}]`));
  let waiting = [];
  let seen = 0;
  let lost = 0;
  let paused = false;
  let connection = "Connecting";

  const types = (post) => (post.types ?? [])
    .map((type) => `${type.name ?? type.discriminator}${type.count > 1 ? ` × ${type.count}` : ""}`).join(", ");
  const ownPath = (href) => typeof href === "string" && /^\/(?!\/)/.test(href);

  const problem = (post) => {
    const errors = (post.errors ?? []).map((error) =>
      make("li", {}, make("code", { text: error.pointer || "whole body" }), ` ${error.detail ?? ""}`));
    return make("details", {},
      make("summary", {}, make("code", { text: post.code ?? "refused" }), ` ${post.detail ?? ""}`),
      errors.length > 0 && make("ul", {}, ...errors),
      post.excerpt && make("pre", { text: post.excerpt, tabindex: "0", "aria-label": "Beginning of the body" }),
      ownPath(post.rejection_href) && make("p", {}, make("a", { href: post.rejection_href, text: "Open rejection" })));
  };

  const row = (post) => {
    const outcome = ["accepted", "refused", "duplicate"].includes(post.outcome) ? post.outcome : "unknown";
    const date = new Date(post.at ?? Date.now());
    const known = !Number.isNaN(date.getTime());
    const time = make("time", { text: known ? clock(date) : "", title: post.at ?? "" });
    if (known) time.dateTime = date.toISOString();
    const key = post.key ?? "unknown profile key";
    return make("li", { class: "new" },
      time,
      make("span", {}, make("span", { class: `chip ${outcome}`, text: outcome })),
      make("span", {},
        ownPath(post.profile_href) ? make("a", { href: post.profile_href, text: key }) : make("strong", { text: key }),
        make("span", { class: "muted", text: ` ${post.keyspace_name ?? post.keyspace ?? ""}` })),
      make("p", {}, types(post) || "No known events",
        make("span", { class: "muted", text:
          ["", post.section_name ?? post.section, post.client].filter((part) => part != null).join(" · ") })),
      outcome === "refused" && problem(post));
  };

  const show = () => {
    const name = paused ? "Paused" : connection;
    state.textContent = name;
    state.className = `chip ${{ Live: "good", Disconnected: "off" }[name] ?? "waiting"}`;
    count.textContent = (seen === 0 ? "No posts since this page was opened" : `${seen} ${seen === 1 ? "post" : "posts"}`)
      + (paused && waiting.length > 0 ? `, ${waiting.length} waiting` : "");
  };

  const flush = () => {
    if (!paused && waiting.length > 0) {
      const rows = waiting.splice(0).map(row).reverse();
      list.prepend(...rows);
      while (list.childElementCount > most) list.lastElementChild.remove();
      empty.hidden = true;
    }
    show();
  };

  let timer = null;
  const soon = () => { timer ??= setTimeout(() => { timer = null; flush(); }, 200); };

  const receive = (event) => {
    let post;
    try { post = JSON.parse(event.data); } catch { return; }
    if (post === null || typeof post !== "object") return;
    seen += 1;
    waiting.push(post);
    if (waiting.length > most) waiting = waiting.slice(-most);
    soon();
  };

  // A stream that was refused says why only to a request that can be read.
  const reconnect = async () => {
    try {
      const abort = new AbortController();
      const headers = { "X-Requested-With": "console" };
      const answer = await fetch(section.dataset.stream, { headers, credentials: "same-origin", signal: abort.signal });
      const words = answer.status >= 400 && answer.status < 500 ? await answer.text() : "";
      abort.abort();
      if (words) { connection = words; show(); announce(words); return; }
    } catch { /* The server is away; the next attempt will tell. */ }
    connect();
  };

  const connect = () => {
    const source = new EventSource(section.dataset.stream);
    source.onopen = () => { connection = "Live"; show(); };
    source.addEventListener("post", receive);
    source.addEventListener("dropped", (event) => {
      try { lost += Number(JSON.parse(event.data).count) || 0; } catch { return; }
      dropped.hidden = lost === 0;
      dropped.textContent = `${lost} ${lost === 1 ? "post was" : "posts were"} left out: they came too fast.`;
    });
    source.onerror = () => {
      const closed = source.readyState === EventSource.CLOSED;
      connection = closed ? "Disconnected" : "Reconnecting";
      show();
      if (closed) setTimeout(reconnect, 5000);
    };
    addEventListener("pagehide", () => source.close(), { once: true });
  };

  pause.addEventListener("click", () => {
    paused = !paused;
    pause.textContent = paused ? "Resume" : "Pause";
    announce(paused ? "Paused" : "Resumed");
    flush();
  });
  clear.addEventListener("click", () => {
    list.replaceChildren();
    waiting = [];
    seen = 0;
    lost = 0;
    dropped.hidden = true;
    empty.hidden = false;
    show();
    announce("Cleared");
  });
  connect();
};

// Long work goes on by itself, step by step

const goOn = (form) => {
  const timer = setTimeout(() => form.requestSubmit(), 400);
  form.addEventListener("submit", () => clearTimeout(timer));
  one("a", form)?.addEventListener("click", () => clearTimeout(timer));
  addEventListener("pagehide", () => clearTimeout(timer));
};

// Parts that renew themselves as long as something in them goes on

const renew = (element) => {
  // As the server wrote it: what is the same stays in its place.
  let shown = element.innerHTML;
  const again = (seconds) => setTimeout(async () => {
    // A reader who is in it is not to lose the place.
    if (element.contains(document.activeElement)) return again(1);
    try {
      const found = parse(await ask(element.dataset.renew)).getElementById(element.id);
      if (!found) return;
      if (found.innerHTML !== shown) {
        shown = found.innerHTML;
        element.replaceChildren(...found.childNodes);
        enhance(element);
      }
      if (one("[data-open]", element)) return again(1);
      announce(one("[data-say]", element)?.textContent ?? "");
    } catch { again(5); }
  }, seconds * 1000);
  if (one("[data-open]", element)) again(1);
};

// An import: the file is read here, so that its columns are mapped before it is uploaded

const importer = (root) => {
  const [box, step] = [one("[data-file]", root), one("#step", root)];
  const input = one("input", box);
  // Forms send two bytes for a line break, and the server takes 64 KiB.
  const headBytes = 32768;
  let head = "";

  const say = (text) => {
    one("[data-said]", step)?.remove();
    step.prepend(make("div", { class: "note error", role: "alert", "data-said": "" }, make("p", { text })));
  };

  // With a file there is nothing to paste.
  const prepare = () => {
    for (const plain of all("[data-plain]", step)) {
      plain.hidden = true;
      for (const field of all("input, textarea", plain)) field.required = false;
    }
    const sample = one("#sample", step);
    if (sample && head) sample.value = head;
  };

  const send = async (address, fields) => {
    step.setAttribute("aria-busy", "true");
    try {
      const headers = { "X-Requested-With": "console" };
      const answer = await fetch(address, { method: "POST", headers, credentials: "same-origin", body: fields });
      const text = await answer.text();
      const found = parse(text).getElementById("step");
      if (found) {
        step.replaceChildren(...found.childNodes);
        enhance(step);
        prepare();
        one("[data-errors]", step)?.focus();
        announce(one("h2", step)?.textContent ?? "");
        const form = one("form[data-upload]", step);
        if (form) {
          box.hidden = true;
          upload(form);
        }
      } else {
        say(answer.status < 500 && !text.startsWith("<") ? text : "The server did not take this. Try again in a moment.");
      }
    } catch (error) { say(error.message); }
    step.removeAttribute("aria-busy");
  };

  const upload = (form) => {
    const [button, line] = [one("button", form), one("[data-progress]", form)];
    const file = input.files[0];
    if (!file) return say("Choose the file.");
    const fields = new FormData();
    fields.append("upload_key", one("[name=upload_key]", form).value);
    fields.append("file", file);
    const request = new XMLHttpRequest();
    request.upload.addEventListener("progress", (event) => {
      const percent = Math.floor(100 * event.loaded / event.total);
      one("progress", line).value = percent;
      one("span", line).textContent = `${percent} %`;
    });
    const failed = (words) => { button.disabled = false; line.hidden = true; say(words); };
    request.addEventListener("error", () => failed("The upload broke off. Try again."));
    request.addEventListener("load", () => {
      if (request.status === 204) return location.assign(one("a", form).href);
      let words;
      try { words = JSON.parse(request.responseText).detail; } catch { /* It is none of the API's. */ }
      failed(words ?? `The server answered ${request.status}.`);
    });
    button.disabled = true;
    line.hidden = false;
    request.open("POST", form.action);
    request.send(fields);
  };

  step.addEventListener("submit", (event) => {
    event.preventDefault();
    const form = event.target;
    if (form.matches("[data-upload]")) return upload(form);
    if (!head) return say("Choose a file.");
    const address = event.submitter?.hasAttribute("formaction") ? event.submitter.formAction : form.action;
    send(address, new URLSearchParams(new FormData(form)));
  });

  input.addEventListener("change", async () => {
    const file = input.files[0];
    if (!file) return;
    try {
      const text = await file.slice(0, headBytes).arrayBuffer();
      // A character at the end can be cut through.
      head = new TextDecoder("utf-8", { fatal: true }).decode(text, { stream: true });
    } catch {
      head = "";
      return say("The file is not UTF-8, or cannot be read. Save it as UTF-8.");
    }
    // Not within a row.
    if (file.size > headBytes) head = head.slice(0, head.lastIndexOf("\n") + 1) || head;
    const form = one("form", step);
    const fields = new URLSearchParams({ csrf: one("[name=csrf]", form)?.value ?? "", sample: head });
    fields.append("section", one("[name=section]", form)?.value ?? "");
    send("columns", fields);
  });

  box.hidden = false;
  prepare();
};

// Beginning

function enhance(root) {
  localTimes(root);
  all("[data-pointer]", root).forEach(pointer);
  all("[data-load]", root).forEach(lazy);
}

// Before times are shown as the viewer's.
all("[data-renew]").forEach(renew);
enhance(document);
all("form[data-live]").forEach(liveForm);
all("form[data-rows]").forEach(fieldRows);
all("a[data-more]").forEach(moreLink);
all("[data-stream]").forEach(stream);
all("form[data-continue]").forEach(goOn);
all("[data-import]").forEach(importer);
one("[data-errors]")?.focus();
