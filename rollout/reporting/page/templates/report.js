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
  const epoch = Date.parse(data.epoch);
  const dayNames = new Map();
  const dayName = (number) => {
    if (!number) return "–";
    let name = dayNames.get(number);
    if (!name) dayNames.set(number, (name = new Date(epoch + number * 864e5).toISOString().slice(0, 10)));
    return name;
  };

  // Every column can say its text and its sorting key of a row; keys are numbers where it has numbers.
  const columns = new Map();
  for (const column of data.columns) {
    const { flags, numbers, texts } = column;
    if (flags !== undefined) column.text = (row) => (flags[row] === "1" ? "yes" : "no");
    else if (numbers) {
      column.text = (row) => numbers[row].toLocaleString("en");
      column.key = (row) => numbers[row];
    } else if (column.days) {
      const days = unroll(column.days);
      column.text = (row) => dayName(days[row]);
      column.key = (row) => days[row];
    } else if (column.codes) {
      const codes = unroll(column.codes);
      column.text = (row) => texts[codes[row]];
    } else column.text = (row) => texts[row];
    column.key = column.key || ((row) => column.text(row).toLowerCase());
    columns.set(column.name, column);
  }
  const value = (name, row) => columns.get(name).text(row);
  if (!columns.has("user_arn")) {
    const arn = (row) =>
      `arn:${data.partition}:iam::${value("account_id", row)}:user${value("path", row)}${value("user_name", row)}`;
    columns.set("user_arn", { name: "user_arn", label: "ARN", texts: true, text: arn });
  }

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

  const parts = (column, row) => (column.list ? column.text(row).split(", ") : [column.text(row)]);
  const accountNames = new Map();
  for (let row = 0; row < total; row += 1) accountNames.set(value("account_id", row), value("account_name", row));
  for (const select of selects) {
    const column = columns.get(select.dataset.filter);
    const found = new Set(column.flags === undefined ? [] : ["yes", "no"]);
    if (column.codes) for (const text of column.texts) for (const part of column.list ? text.split(", ") : [text]) found.add(part);
    else if (column.texts) for (let row = 0; row < total; row += 1) for (const part of parts(column, row)) found.add(part);
    const label = (part) => (column.name === "account_id" ? `${accountNames.get(part)} (${part})` : part);
    const options = [...found].filter(Boolean).map((part) => [label(part), part]);
    if (column.flags === undefined) options.sort((a, b) => compare(a[0], b[0]));
    select.append(new Option("any", ""), ...options.map(([text, part]) => new Option(text, part)));
  }

  const searched = [...columns.values()].filter((column) => column.texts);
  const haystacks = [];
  const haystack = (row) => {
    let hay = haystacks[row];
    if (hay === undefined) {
      hay = searched.map((column) => column.text(row)).join("\n").toLowerCase();
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
      const column = columns.get(select.dataset.filter);
      tests.push((row) => parts(column, row).includes(wanted));
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

  const tone = (name) => `badge tone-${name.split("(")[0]}`;

  const line = (row, place) => {
    const tr = make("tr");
    tr.setAttribute("aria-rowindex", String(place + 2));
    keys.forEach((key, number) => {
      const text = value(key, row) || "–";
      if (number === 0) {
        const th = make("th", `col-${key}`);
        th.scope = "row";
        const button = make("button", "who", text);
        button.type = "button";
        button.dataset.row = String(row);
        th.append(button);
        tr.append(th);
        return;
      }
      const td = make("td", heads[number].classList.contains("number-cell") ? "number-cell" : "");
      if ("code" in heads[number].dataset && text !== "–") td.append(make("span", tone(text), text));
      else td.textContent = text;
      if (text.length > 14) td.title = text;
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

  // Draws the visible rows and some on either side; two spacers stand for the rest.
  const draw = (from, to) => {
    if (from === undefined) {
      const top = Math.floor(box.scrollTop / rowHeight);
      const visible = Math.ceil(box.clientHeight / rowHeight) + 1;
      from = Math.max(0, Math.floor(top / SPARE) * SPARE - SPARE);
      to = Math.min(shown.length, from + visible + 3 * SPARE);
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
      const td = make("td", "empty", total ? "Nobody matches." : "No IAM users were seen.");
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
      const values = Array.from({ length: total }, (_, row) => columns.get(key).key(row));
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
    for (const select of selects) {
      const value = wanted.get(select.dataset.filter) || "";
      // A wave or an account without users is no choice yet: its link must not show everybody.
      if (![...select.options].some((option) => option.value === value)) select.append(new Option(value));
      select.value = value;
    }
    narrow();
  });

  // --- One user ---

  const person = $("person");
  body.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-row]");
    if (!button) return;
    const row = Number(button.dataset.row);
    $("person-name").textContent = value("user_name", row);
    $("person-place").textContent = `${value("account_name", row)} (${value("account_id", row)})`;
    const lines = [...columns.values()].map((column) => [column.label, column.text(row)]);
    const known = lines.filter(([, text]) => text && text !== "–");
    $("person-facts").replaceChildren(...known.flatMap(([name, text]) => [make("dt", "", name), make("dd", "", text)]));
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
