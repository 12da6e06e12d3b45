"use strict";
(() => {
  const $ = (id) => document.getElementById(id);
  const make = (tag, name, text) => {
    const element = document.createElement(tag);
    if (name) element.className = name;
    if (text !== undefined) element.textContent = text;
    return element;
  };
  document.documentElement.classList.add("js");

  // --- Sorting: a button in every head, so that the keyboard comes for nothing ---

  const sortButton = (head, act) => {
    const button = make("button", "", head.textContent);
    button.type = "button";
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      for (const other of head.parentElement.children) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      act(down ? -1 : 1);
    });
    head.replaceChildren(button);
  };

  const compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0);

  for (const table of document.querySelectorAll("table.sortable")) {
    const body = table.tBodies[0];
    if (body.rows.length < 2) continue;
    [...table.tHead.rows[0].cells].forEach((head, place) => {
      if (head.querySelector(".unseen-text")) return;
      const key = (row) => {
        const cell = row.cells[place];
        return cell.dataset.sort !== undefined ? Number(cell.dataset.sort) : cell.textContent.trim().toLowerCase();
      };
      sortButton(head, (way) => {
        const rows = [...body.rows].map((row) => [key(row), row]);
        rows.sort((a, b) => way * compare(a[0], b[0]));
        body.append(...rows.map((pair) => pair[1]));
      });
    });
  }

  // --- Users: the data as columns; a row is a number ---

  const data = JSON.parse($("data").textContent);
  const total = data.rows;
  const unroll = (column) => {
    if (Array.isArray(column)) return column;
    const numbers = [];
    for (let place = 0; place < column.runs.length; place += 2) {
      for (let times = column.runs[place + 1]; times > 0; times -= 1) numbers.push(column.runs[place]);
    }
    return numbers;
  };
  data.account = unroll(data.account);
  for (const key of Object.keys(data.days)) data.days[key] = unroll(data.days[key]);
  for (const column of Object.values(data.words)) column.codes = unroll(column.codes);
  const epoch = Date.parse(data.epoch);
  const dayNames = new Map();
  const dayName = (number) => {
    if (!number) return "–";
    let name = dayNames.get(number);
    if (!name) dayNames.set(number, (name = new Date(epoch + number * 864e5).toISOString().slice(0, 10)));
    return name;
  };
  const word = (key, row) => {
    const column = data.words[key];
    return column ? column.words[column.codes[row]] : "";
  };
  const flag = (key, row) => data.flags[key][row] === "1";
  const yes = (is) => (is ? "yes" : "no");
  const day = (key, row) => dayName(data.days[key][row]);
  const account = (row) => data.accounts[data.account[row]];
  const arn = (row) =>
    data.user_arn
      ? data.user_arn[row]
      : `arn:${data.partition}:iam::${account(row)[0]}:user${word("path", row)}${data.user_name[row]}`;

  const texts = {
    user_name: (row) => data.user_name[row],
    account_name: (row) => account(row)[1],
    account_id: (row) => account(row)[0],
    ou_path: (row) => account(row)[2] || "–",
    mfa: (row) => word("mfa_kinds", row) || yes(flag("mfa_active", row)),
    active_keys: (row) => String(data.active_keys[row]),
    key_last_used: (row) => day("key_last_used", row),
    password_last_used: (row) => day("password_last_used", row),
    console: (row) => yes(flag("console", row)),
  };
  const text = (key) => texts[key] || ((row) => word(key, row) || "–");

  // What a column is sorted by: numbers where it has numbers, else its text without case.
  const sortKeys = {
    active_keys: (row) => data.active_keys[row],
    key_last_used: (row) => data.days.key_last_used[row],
    password_last_used: (row) => data.days.password_last_used[row],
  };

  const filters = {
    verdict: (row) => word("verdict", row),
    state: (row) => word("state", row),
    wave: (row) => word("wave", row),
    impact: (row) => word("impact", row),
    delivery: (row) => word("delivery", row),
    enforced: (row) => yes(flag("enforced", row)),
    mfa: (row) => yes(flag("mfa_active", row)),
    account: (row) => account(row)[0],
    reason: null,
  };

  const box = $("users-box");
  const table = $("users-table");
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  const keys = heads.map((head) => head.dataset.key);
  const form = $("finder");
  const search = $("search");
  const found = $("found");
  const selects = [...form.querySelectorAll("select")];

  let order = Array.from({ length: total }, (_, row) => row);
  let shown = order;
  let first = -1;
  let rowHeight = 38;
  const SPARE = 12;

  const fill = (select, words, labels) => {
    select.append(new Option("any", ""));
    for (const value of words) select.append(new Option(labels ? labels.get(value) : value, value));
  };
  const used = (name) => [...new Set(data.words[name].words)].filter(Boolean).sort();
  for (const select of selects) {
    const name = select.dataset.filter;
    if (name === "enforced" || name === "mfa") fill(select, ["yes", "no"]);
    else if (name === "reason") fill(select, [...new Set(used("reasons").flatMap((list) => list.split(", ")))].sort());
    else if (name === "account") {
      const labels = new Map(data.accounts.map(([id, label]) => [id, `${label} (${id})`]));
      fill(select, [...labels.keys()].sort((a, b) => compare(labels.get(a), labels.get(b))), labels);
    } else fill(select, used(name));
  }

  const haystacks = [];
  const haystack = (row) => {
    let hay = haystacks[row];
    if (hay === undefined) {
      const [id, name, ou] = account(row);
      hay = [
        arn(row), data.user_id[row], id, name, ou, word("verdict", row), word("state", row), word("reasons", row),
        word("impact", row), word("wave", row), word("address", row),
      ].join("\n").toLowerCase();
      haystacks[row] = hay;
    }
    return hay;
  };

  const narrow = () => {
    const terms = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const tests = [];
    for (const select of selects) {
      const wanted = select.value;
      if (!wanted) continue;
      const name = select.dataset.filter;
      if (name === "reason") {
        const column = data.words.reasons;
        const right = column.words.map((list) => list.split(", ").includes(wanted));
        tests.push((row) => right[column.codes[row]]);
      } else {
        const value = filters[name];
        tests.push((row) => value(row) === wanted);
      }
    }
    if (terms.length) tests.push((row) => terms.every((term) => haystack(row).includes(term)));
    shown = tests.length ? order.filter((row) => tests.every((test) => test(row))) : order;
    const all = total.toLocaleString("en");
    found.textContent =
      shown.length === total ? `${all} user${total === 1 ? "" : "s"}` : `${shown.length.toLocaleString("en")} of ${all} users`;
    table.setAttribute("aria-rowcount", String(shown.length + 1));
    box.scrollTop = 0;
    first = -1;
    draw();
  };

  const tone = (name) => `word tone-${name.split("(")[0]}`;

  const line = (row, place) => {
    const tr = make("tr");
    tr.setAttribute("aria-rowindex", String(place + 2));
    keys.forEach((key, number) => {
      const value = text(key)(row);
      if (number === 0) {
        const th = make("th", `col-${key}`);
        th.scope = "row";
        const button = make("button", "who", value);
        button.type = "button";
        button.dataset.row = String(row);
        th.append(button);
        tr.append(th);
        return;
      }
      const td = make("td", key === "active_keys" ? "number-cell" : "");
      if ((key === "verdict" || key === "state") && value !== "–") td.append(make("span", tone(value), value));
      else td.textContent = value;
      if (value.length > 14) td.title = value;
      tr.append(td);
    });
    return tr;
  };

  const spacer = (height) => {
    const tr = make("tr", "spacer");
    tr.setAttribute("aria-hidden", "true");
    const td = make("td");
    td.colSpan = keys.length;
    td.style.height = `${height}px`;
    tr.append(td);
    return tr;
  };

  // Draws the rows in sight and some on either side; two spacers stand for the rest.
  const draw = (from, to) => {
    if (from === undefined) {
      const top = Math.floor(box.scrollTop / rowHeight);
      const inSight = Math.ceil(box.clientHeight / rowHeight) + 1;
      from = Math.max(0, Math.floor(top / SPARE) * SPARE - SPARE);
      to = Math.min(shown.length, from + inSight + 3 * SPARE);
      if (from === first) return;
    }
    first = from;
    const focused = document.activeElement && document.activeElement.dataset.row;
    const rows = [];
    if (from > 0) rows.push(spacer(from * rowHeight));
    for (let place = from; place < to; place += 1) rows.push(line(shown[place], place));
    if (to < shown.length) rows.push(spacer((shown.length - to) * rowHeight));
    if (!shown.length) {
      const tr = make("tr");
      const td = make("td", "empty", total ? "Nobody matches." : "No users were seen.");
      td.colSpan = keys.length;
      tr.append(td);
      rows.push(tr);
    }
    body.replaceChildren(...rows);
    if (focused !== undefined) {
      const again = body.querySelector(`button[data-row="${CSS.escape(focused)}"]`);
      if (again) again.focus({ preventScroll: true });
    }
  };

  heads.forEach((head, number) => {
    const key = keys[number];
    sortButton(head, (way) => {
      const value = sortKeys[key] || ((row) => text(key)(row).toLowerCase());
      const values = Array.from({ length: total }, (_, row) => value(row));
      order = Array.from({ length: total }, (_, row) => row);
      order.sort((a, b) => way * compare(values[a], values[b]) || a - b);
      narrow();
    });
  });

  let timer = 0;
  search.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(narrow, total > 20000 ? 180 : 40);
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(narrow));
  form.addEventListener("change", (event) => {
    if (event.target !== search) narrow();
  });
  let waiting = false;
  box.addEventListener("scroll", () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      draw();
    });
  });
  window.addEventListener("resize", () => {
    first = -1;
    draw();
  });

  // Numbers elsewhere on the page lead to the users behind them.
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-filters]");
    if (!link) return;
    const wanted = new URLSearchParams(link.dataset.filters);
    form.reset();
    for (const select of selects) select.value = wanted.get(select.dataset.filter) || "";
    narrow();
  });

  // --- One user ---

  const person = $("person");
  const facts = (row) => [
    ["User id", data.user_id[row]],
    ["ARN", arn(row)],
    ["OU", account(row)[2] || "(root)"],
    ["Verdict", word("verdict", row)],
    ["Reasons", word("reasons", row)],
    ["Why", word("why", row)],
    ["Cure", word("cure", row)],
    ["Impact", word("impact", row)],
    ["Forecast", word("forecast", row)],
    ["Wave", word("wave", row)],
    ["State", word("state", row)],
    ["Waits for", word("waits_for", row)],
    ["Enforced", flag("enforced", row) ? `yes, by ${word("enforced_by", row)}` : "no"],
    ["Covered by", word("covered_by", row)],
    ["Exempt until", day("exempt_until", row)],
    ["Console", yes(flag("console", row))],
    ["Signed in", day("password_last_used", row)],
    ["MFA", text("mfa")(row)],
    ["Active keys", String(data.active_keys[row])],
    ["Key used", day("key_last_used", row)],
    ["Address", word("address", row)],
    ["Notified", day("notified_at", row)],
    ["Date told", day("notice_due", row)],
    ["Delivery", word("delivery", row)],
    ["Seen", day("observed_at", row)],
  ];
  body.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-row]");
    if (!button) return;
    const row = Number(button.dataset.row);
    $("person-name").textContent = data.user_name[row];
    $("person-place").textContent = `${account(row)[1]} (${account(row)[0]})`;
    const lines = facts(row).filter(([, value]) => value && value !== "–");
    $("person-facts").replaceChildren(...lines.flatMap(([name, value]) => [make("dt", "", name), make("dd", "", value)]));
    person.showModal();
  });
  $("person-close").addEventListener("click", () => person.close());
  person.addEventListener("click", (event) => {
    if (event.target === person) person.close();
  });

  // --- Paper: up to a thousand of the users found, not only those in sight ---

  window.addEventListener("beforeprint", () => draw(0, Math.min(shown.length, 1000)));
  window.addEventListener("afterprint", () => {
    first = -1;
    draw();
  });

  form.hidden = false;
  found.hidden = false;
  narrow();
  const probe = body.querySelector("tr:not(.spacer)");
  if (probe && total) {
    rowHeight = probe.getBoundingClientRect().height || rowHeight;
    first = -1;
    draw();
  }
})();
