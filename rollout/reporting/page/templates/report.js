"use strict";
(async () => {
  const $ = (id) => document.getElementById(id);
  const make = (tag, name, text) => {
    const element = document.createElement(tag);
    if (name) element.className = name;
    if (text !== undefined) element.textContent = text;
    return element;
  };
  const button = (name, text, act) => {
    const element = make("button", name, text);
    element.type = "button";
    element.addEventListener("click", act);
    return element;
  };
  const compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
  const many = (number, one) => `${number.toLocaleString("en")} ${one}${number === 1 ? "" : "s"}`;
  document.documentElement.classList.add("js");

  // --- The address says what is shown, so that a reload or a link shows it again ---
  // #account=…&ou=…&user=…&filter=verdict:hold,wave:canary&search=…&sort=-active_keys&columns=…

  const TABLE_KEYS = ["filter", "search", "sort", "columns"];
  const state = new Map();
  const readAddress = () => {
    state.clear();
    const hash = location.hash.slice(1);
    if (!hash.includes("=")) return hash;
    for (const part of hash.split("&")) {
      const [key, ...value] = part.split("=");
      try {
        if (value.length) state.set(key, value.join("="));
      } catch {
        // half an escape: not one of ours
      }
    }
    return "";
  };
  const plainly = (text) => {
    try {
      return decodeURIComponent(text);
    } catch {
      return text;
    }
  };
  const wanted = (key) => plainly(state.get(key) || "");
  const pairs = (key) =>
    new Map((state.get(key) || "").split(",").filter((pair) => pair.includes(":")).map((pair) => pair.split(":").map(plainly)));
  const sayPairs = (map) => [...map].map((pair) => pair.map(encodeURIComponent).join(":")).join(",");
  const put = (key, text) => (text ? state.set(key, text) : state.delete(key));
  const writeAddress = () => {
    const hash = [...state].map(([key, text]) => `${key}=${text}`).join("&");
    if (hash !== location.hash.slice(1)) history.replaceState(null, "", `#${hash}`);
  };

  // --- Taking things along ---

  const said = $("said");
  const say = (text) => {
    said.textContent = text;
  };
  // A spreadsheet runs what begins like a formula (docs/reports.md, Formulas).
  const defused = (text) => (/^'*[=+\-@\t\r\n\uFF1D\uFF0B\uFF0D\uFF20]/.test(text) ? `'${text}` : text);
  const asCsv = (rows) => rows.map((row) => row.map((cell) => `"${defused(cell).replaceAll('"', '""')}"`).join(",") + "\n").join("");
  const copy = async (text, what) => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const area = make("textarea", "unseen-text");
      area.value = text;
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    say(`Copied: ${what}`);
  };
  const save = (name, type, text) => {
    const link = make("a");
    link.href = URL.createObjectURL(new Blob([text], { type }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    say(`Saved: ${name}`);
  };

  // --- Plain tables: a button in every head, so that the keyboard comes for nothing ---

  const sortButton = (head, act) => {
    const name = head.textContent.trim();
    head.dataset.name = name;
    head.replaceChildren(
      button("", name, () => {
        const down = head.getAttribute("aria-sort") === "ascending";
        act(down ? -1 : 1);
      }),
    );
  };
  const markSorted = (heads, head, way) => {
    for (const other of heads) other.removeAttribute("aria-sort");
    if (head) head.setAttribute("aria-sort", way < 0 ? "descending" : "ascending");
  };

  for (const table of document.querySelectorAll("table.sortable")) {
    const body = table.tBodies[0];
    if (body.rows.length < 2) continue;
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, place) => {
      if (head.querySelector(".unseen-text")) return;
      const key = (row) => {
        const cell = row.cells[place];
        return cell.dataset.sort !== undefined ? Number(cell.dataset.sort) : cell.textContent.trim().toLowerCase();
      };
      sortButton(head, (way) => {
        const rows = [...body.rows].map((row) => [key(row), row]);
        rows.sort((a, b) => way * compare(a[0], b[0]));
        body.append(...rows.map((pair) => pair[1]));
        markSorted(heads, head, way);
      });
    });
  }

  // --- Data: columns; a row is a number ---

  const unpack = async (element) => {
    if (element.type === "application/json") return JSON.parse(element.textContent);
    const bytes = Uint8Array.from(atob(element.textContent), (sign) => sign.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return JSON.parse(await new Response(stream).text());
  };
  const unroll = (column) => {
    if (Array.isArray(column)) return column;
    const numbers = [];
    for (let place = 0; place < column.runs.length; place += 2) {
      for (let times = column.runs[place + 1]; times > 0; times -= 1) numbers.push(column.runs[place]);
    }
    return numbers;
  };

  // Every column can say its text and its sorting key of a row, and which rows hold a text.
  const columnsOf = (data) => {
    const { rows } = data;
    const epoch = Date.parse(data.epoch);
    const columns = new Map();
    for (const column of data.columns) {
      const { flags, numbers, unit } = column;
      let { texts, codes, days } = column;
      codes = codes && unroll(codes);
      if (days) {
        // Days are texts like others, each spelled once.
        const places = new Map();
        codes = unroll(days).map((day) => {
          if (!places.has(day)) places.set(day, places.size);
          return places.get(day);
        });
        texts = [...places.keys()].map((day) => (day ? new Date(epoch + day * 864e5).toISOString().slice(0, 10) : ""));
      }
      if (flags !== undefined) {
        codes = Array.from(flags, Number);
        texts = ["no", "yes"];
      }
      if (numbers) {
        column.text = (row) => (numbers[row] === null ? "" : numbers[row].toLocaleString("en") + (unit || ""));
        column.keys = () => numbers.map((number) => (number === null ? -1 : number));
      } else if (codes) {
        column.choices = texts;
        column.text = (row) => texts[codes[row]];
        column.keys = () => {
          const order = texts.map((text) => text.toLowerCase());
          const ranks = new Map([...new Set(order)].sort(compare).map((text, rank) => [text, rank]));
          return codes.map((code) => ranks.get(order[code]));
        };
        column.holds = (test) => {
          const which = texts.map(test);
          return (row) => which[codes[row]];
        };
      } else {
        column.text = (row) => texts[row];
        column.keys = () => texts.map((text) => text.toLowerCase());
      }
      column.holds ??= (test) => (row) => test(column.text(row));
      column.searched = numbers === undefined && flags === undefined && !days;
      columns.set(column.name, column);
    }
    if (columns.has("path") && !columns.has("user_arn")) {
      const text = (name, row) => columns.get(name).text(row);
      const arn = (row) => `arn:${data.partition}:iam::${text("account_id", row)}:user${text("path", row)}${text("user_name", row)}`;
      columns.set("user_arn", { name: "user_arn", label: "ARN", searched: true, text: arn, holds: (test) => (row) => test(arn(row)) });
    }
    // What differs from user to user is searched in small letters that are made once.
    for (const column of columns.values()) {
      if (!column.searched) continue;
      if (column.choices) {
        column.finds = (term) => column.holds((text) => text.toLowerCase().includes(term));
      } else {
        let small;
        column.finds = (term) => {
          small ??= Array.from({ length: rows }, (_, row) => column.text(row).toLowerCase());
          return (row) => small[row].includes(term);
        };
      }
    }
    return columns;
  };

  // --- A table of any length: only the rows in sight are in the page ---

  const SPARE = 12;
  const PAPER_ROWS = 5000;

  class Grid {
    constructor(root, data) {
      this.root = root;
      this.name = root.dataset.grid;
      this.one = root.dataset.one;
      this.prefix = this.name === "users" ? "" : `${this.name}-`;
      this.columns = columnsOf(data);
      this.total = data.rows;
      this.table = root.querySelector("table");
      this.body = this.table.tBodies[0];
      this.heads = [...this.table.tHead.rows[0].cells];
      this.cols = [...this.table.querySelectorAll("col")];
      this.box = root.querySelector(".scroll");
      this.form = root.querySelector("form");
      this.search = root.querySelector("input[type=search]");
      this.found = root.querySelector(".found");
      this.selects = [...root.querySelectorAll("select")];
      this.chooser = root.querySelector("[data-columns]");
      this.natural = Array.from({ length: this.total }, (_, row) => row);
      this.order = this.natural;
      this.shown = this.natural;
      this.first = -1;
      this.rowHeight = 38;
      this.prepare();
    }

    value(name, row) {
      return this.columns.get(name).text(row);
    }

    parts(column, text) {
      return column.list ? text.split(", ") : [text];
    }

    prepare() {
      const names = new Map();
      if (this.columns.has("account_name")) {
        for (const row of this.natural) names.set(this.value("account_id", row), this.value("account_name", row));
      }
      for (const select of this.selects) {
        const column = this.columns.get(select.dataset.filter);
        const texts = column.choices || this.natural.map((row) => column.text(row));
        const found = new Set(texts.flatMap((text) => this.parts(column, text)));
        const label = (part) => (column.name === "account_id" ? `${names.get(part)} (${part})` : part);
        const options = [...found].filter(Boolean).map((part) => [label(part), part]);
        options.sort((a, b) => compare(a[0], b[0]));
        select.append(new Option("any", ""), ...options.map(([text, part]) => new Option(text, part)));
      }
      this.heads.forEach((head) => sortButton(head, (way) => this.put("sort", `${way < 0 ? "-" : ""}${head.dataset.key}`)));
      this.heads.forEach((head) => {
        const label = make("label");
        const box = make("input");
        box.type = "checkbox";
        box.value = head.dataset.key;
        label.append(box, ` ${head.textContent}`);
        this.chooser.append(label);
      });
      this.boxes = [...this.chooser.querySelectorAll("input")];
      const folded = this.root.querySelector("details.filters");
      folded.open = matchMedia("(min-width: 60rem)").matches;
      this.form.addEventListener("submit", (event) => event.preventDefault());
      this.form.addEventListener("reset", () => {
        for (const key of [...TABLE_KEYS.map((key) => this.prefix + key), "account", "ou"]) state.delete(key);
        showAddress();
      });
      let asked = 0;
      this.search.addEventListener("input", () => {
        cancelAnimationFrame(asked);
        asked = requestAnimationFrame(() => this.put("search", encodeURIComponent(this.search.value)));
      });
      this.form.addEventListener("change", (event) => {
        if (event.target.matches("select")) {
          const filters = new Map(this.selects.filter((select) => select.value).map((select) => [select.dataset.filter, select.value]));
          state.delete("account");
          this.put("filter", sayPairs(filters));
        } else if (event.target.matches("[type=checkbox]")) {
          this.put("columns", this.boxes.filter((box) => box.checked).map((box) => box.value).join(","));
        }
      });
      this.root.querySelector("[data-export]").addEventListener("click", () => this.export());
      let waiting = false;
      this.box.addEventListener("scroll", () => {
        if (waiting) return;
        waiting = true;
        requestAnimationFrame(() => {
          waiting = false;
          this.draw();
        });
      });
      new ResizeObserver(() => this.fit()).observe(this.box);
      this.body.addEventListener("click", (event) => {
        const opened = event.target.closest("[data-row]");
        if (opened) this.open(Number(opened.dataset.row));
      });
      this.form.hidden = false;
    }

    put(key, text) {
      put(this.prefix + key, text);
      showAddress();
    }

    open(row) {
      if (this.name === "users") {
        state.set("user", this.value("user_id", row));
        showAddress();
      } else {
        look(`#account=${this.value("account_id", row)}`);
      }
    }

    // Which rows are shown, and in which order, as the address says.
    apply() {
      const wants = TABLE_KEYS.map((key) => state.get(this.prefix + key) || "");
      const scope = [state.get("account") || "", state.get("ou") || ""];
      const same = this.applied && [...wants, ...scope].every((text, place) => text === this.applied[place]);
      if (same) return;
      this.applied = [...wants, ...scope];
      const filters = pairs(`${this.prefix}filter`);
      if (wanted("account")) filters.set("account_id", wanted("account"));
      for (const select of this.selects) {
        const text = filters.get(select.dataset.filter) || "";
        // A wave or an account without users is no choice yet: its link must not show everybody.
        if (![...select.options].some((option) => option.value === text)) select.append(new Option(text));
        select.value = text;
      }
      if (wanted("ou")) filters.set("ou_path", wanted("ou"));
      const asked = wanted(`${this.prefix}search`);
      if (this.search.value !== asked) this.search.value = asked;
      const tests = [];
      for (const [name, text] of filters) {
        const column = this.columns.get(name);
        if (column) tests.push(column.holds((whole) => this.parts(column, whole).includes(text) || (name === "ou_path" && within(whole, text))));
      }
      for (const term of asked.toLowerCase().split(/\s+/).filter(Boolean)) {
        const finds = [...this.columns.values()].filter((column) => column.searched).map((column) => column.finds(term));
        tests.push((row) => finds.some((find) => find(row)));
      }
      this.sort();
      this.shown = tests.length ? this.order.filter((row) => tests.every((test) => test(row))) : this.order;
      const number = this.shown.length;
      this.found.textContent =
        number === this.total ? many(number, this.one) : `${number.toLocaleString("en")} of ${many(this.total, this.one)}`;
      this.root.querySelector(".set").textContent = filters.size ? ` (${filters.size} set)` : "";
      this.table.setAttribute("aria-rowcount", String(number + 1));
      this.box.scrollTop = 0;
      this.fit();
    }

    sort() {
      const asked = state.get(`${this.prefix}sort`) || "";
      if (asked === this.sorted) return;
      this.sorted = asked;
      const way = asked.startsWith("-") ? -1 : 1;
      const name = asked.replace("-", "");
      const head = this.heads.find((one) => one.dataset.key === name);
      markSorted(this.heads, head, way);
      this.order = this.natural;
      if (!head) return;
      const keys = this.columns.get(name).keys();
      this.order = [...this.natural].sort((a, b) => way * compare(keys[a], keys[b]) || a - b);
    }

    // Shows the columns that were chosen, or else the first ones that are seen whole.
    fit() {
      const width = this.box.clientWidth;
      if (!width) return;
      const chosen = wanted(`${this.prefix}columns`).split(",").filter(Boolean);
      const widths = this.heads.map((head) => Number(head.dataset.width));
      let used = 0;
      this.visible = this.heads.map((head, place) => {
        if (chosen.length) return chosen.includes(head.dataset.key) || place === 0;
        used += widths[place];
        return place === 0 || used <= width;
      });
      const sum = widths.reduce((total, one, place) => total + (this.visible[place] ? one : 0), 0);
      this.heads.forEach((head, place) => {
        head.hidden = this.cols[place].hidden = !this.visible[place];
        this.cols[place].style.width = `${(100 * widths[place]) / sum}%`;
        this.boxes[place].checked = this.visible[place];
        this.boxes[place].disabled = place === 0;
      });
      this.table.style.minWidth = chosen.length && sum > width ? `${sum}px` : "";
      const hidden = this.visible.filter((one) => !one).length;
      this.root.querySelector(".unshown").textContent = hidden ? ` (${hidden} not shown)` : "";
      this.first = -1;
      this.draw();
    }

    line(row, place) {
      const tr = make("tr");
      tr.setAttribute("aria-rowindex", String(place + 2));
      this.heads.forEach((head, number) => {
        if (!this.visible[number]) return;
        const key = head.dataset.key;
        const text = this.value(key, row) || "–";
        if (number === 0) {
          const th = make("th");
          th.scope = "row";
          const opener = make("button", "who", text);
          opener.type = "button";
          opener.dataset.row = String(row);
          if (text.length > 14) opener.title = text;
          th.append(opener);
          tr.append(th);
          return;
        }
        const td = make("td", head.classList.contains("number-cell") ? "number-cell" : "");
        if ("code" in head.dataset && text !== "–") td.append(make("span", `badge tone-${text.split("(")[0].replaceAll(" ", "-")}`, text));
        else td.textContent = text;
        if (text.length > 14) td.title = text;
        tr.append(td);
      });
      return tr;
    }

    spacer(height) {
      const tr = make("tr", "spacer");
      tr.setAttribute("aria-hidden", "true");
      const td = make("td");
      td.colSpan = this.heads.length;
      td.style.height = `${height}px`;
      tr.append(td);
      return tr;
    }

    // Draws the rows in sight and some on either side; two spacers stand for the rest.
    draw() {
      const { box, body, rowHeight, shown } = this;
      const top = Math.floor(box.scrollTop / rowHeight);
      const inSight = Math.ceil(box.clientHeight / rowHeight) + 1;
      const from = Math.max(0, Math.floor(top / SPARE) * SPARE - SPARE);
      const to = Math.min(shown.length, from + inSight + 3 * SPARE);
      if (from === this.first || !this.visible) return;
      this.first = from;
      const focused = body.contains(document.activeElement) && document.activeElement.dataset.row;
      const rows = [];
      if (from > 0) rows.push(this.spacer(from * rowHeight));
      for (let place = from; place < to; place += 1) rows.push(this.line(shown[place], place));
      if (to < shown.length) rows.push(this.spacer((shown.length - to) * rowHeight));
      if (!shown.length) {
        const tr = make("tr");
        const td = make("td", "empty", this.total ? "Nothing matches." : "There is nothing to show.");
        td.colSpan = this.heads.length;
        tr.append(td);
        rows.push(tr);
      }
      body.replaceChildren(...rows);
      if (focused) {
        const again = body.querySelector(`[data-row="${CSS.escape(focused)}"]`);
        if (again) again.focus({ preventScroll: true });
      }
    }

    export() {
      const columns = [...this.columns.values()];
      const rows = this.shown.map((row) => columns.map((column) => column.text(row)));
      save(`${this.name}-${document.documentElement.dataset.plan}.csv`, "text/csv", asCsv([columns.map((column) => column.name), ...rows]));
    }

    // On paper every row found is there, with every column: accounts stand above their users, wide texts below their row.
    onPaper() {
      const grouped = this.name === "users";
      const above = grouped ? ["account_name", "account_id", "ou_path"] : [];
      const isBelow = (head) => !grouped && Number(head.dataset.width) > 150 && head !== this.heads[0];
      const heads = this.heads.filter((head) => !above.includes(head.dataset.key) && !isBelow(head));
      const below = this.heads.filter(isBelow);
      const paper = make("table", "paper");
      const top = paper.createTHead().insertRow();
      for (const head of heads) top.append(make("th", "", head.dataset.name));
      const body = paper.createTBody();
      const whole = (tag, name, text) => {
        const cell = make(tag, name, text);
        cell.colSpan = heads.length;
        body.insertRow().append(cell);
      };
      const rows = this.shown.slice(0, PAPER_ROWS);
      if (grouped) rows.sort((a, b) => compare(this.value("account_id", a), this.value("account_id", b)));
      let last = "";
      for (const row of rows) {
        const group = above.map((name) => this.value(name, row)).filter(Boolean).join(" · ");
        if (group !== last) whole("th", "group", (last = group));
        const tr = body.insertRow();
        for (const head of heads) tr.append(make("td", "", this.value(head.dataset.key, row) || "–"));
        const texts = below.map((head) => [head.dataset.name, this.value(head.dataset.key, row)]).filter(([, text]) => text && text !== "–");
        if (texts.length) whole("td", "below", texts.map((pair) => pair.join(": ")).join(" · "));
      }
      const rest = rows.length < this.shown.length ? `, the first ${rows.length.toLocaleString("en")}; all are in ${this.name}.csv` : "";
      this.root.after(make("p", "paper", this.found.textContent + rest), paper);
    }
  }

  const within = (ou, above) => ou === above || ou.startsWith(`${above}/`);

  // --- One account, or one OU: everything on the page that is not about it steps back ---

  const accounts = new Map();
  const showScope = () => {
    const [account, ou] = [wanted("account"), wanted("ou")];
    const known = accounts.get(account);
    const box = $("scope");
    box.hidden = !account && !ou;
    $("scope-name").textContent = account ? `Account ${known ? `${known.name} (${account})` : account}` : `OU ${ou}`;
    $("scope-facts").replaceChildren(...(known ? facts(known.facts) : []));
    for (const row of document.querySelectorAll("[data-of-account]")) {
      const of = row.dataset.ofAccount;
      const there = !account && !ou ? true : account ? of === account : within(accounts.get(of)?.ou ?? "", ou);
      row.hidden = !there;
    }
    for (const tile of document.querySelectorAll("[data-ou]")) tile.classList.toggle("chosen", Boolean(ou) && tile.dataset.ou === ou);
  };
  const facts = (lines) =>
    lines.filter(([, text]) => text && text !== "–").flatMap(([name, text]) => [make("dt", "", name), make("dd", "", text)]);

  // --- One user ---

  const person = $("person");
  let users;
  const showPerson = () => {
    const asked = wanted("user");
    if (!asked || !users) {
      if (person.open) person.close();
      return;
    }
    const is = ["user_id", "user_arn", "user_name"].map((name) => users.columns.get(name).holds((text) => text === asked));
    const row = users.natural.find((one) => is.some((test) => test(one)));
    if (row === undefined) {
      say(`No user ${asked} in this report.`);
      return;
    }
    $("person-name").textContent = users.value("user_name", row);
    $("person-place").textContent = `${users.value("account_name", row)} (${users.value("account_id", row)})`;
    $("person-facts").replaceChildren(...facts([...users.columns.values()].map((column) => [column.label, column.text(row)])));
    if (!person.open) person.showModal();
  };

  const grids = [];
  const showAddress = () => {
    for (const grid of grids) grid.apply();
    showScope();
    showPerson();
    writeAddress();
  };
  // A link names only what it changes of the address, and where to go on the page.
  const look = (hash, place = "users") => {
    history.pushState(null, "", hash);
    readAddress();
    showAddress();
    const target = $(place);
    if (target) target.scrollIntoView();
  };

  for (const root of document.querySelectorAll("[data-grid]")) {
    const data = await unpack($(`${root.dataset.grid}-data`));
    const grid = new Grid(root, data);
    grids.push(grid);
    if (grid.name === "users") users = grid;
    else {
      for (const row of grid.natural) {
        const lines = [...grid.columns.values()].map((column) => [column.label, column.text(row)]);
        accounts.set(grid.value("account_id", row), { name: grid.value("account_name", row), ou: grid.value("ou_path", row), facts: lines });
      }
    }
  }

  // Numbers elsewhere on the page lead to the users behind them.
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href*='=']");
    const hash = link && link.getAttribute("href");
    if (!hash || !hash.startsWith("#")) return;
    event.preventDefault();
    look(hash, link.dataset.place || "users");
  });
  $("scope-clear").addEventListener("click", () => {
    state.delete("account");
    state.delete("ou");
    showAddress();
  });
  $("person-close").addEventListener("click", () => person.close());
  person.addEventListener("click", (event) => {
    if (event.target === person) person.close();
  });
  person.addEventListener("close", () => {
    state.delete("user");
    writeAddress();
  });
  window.addEventListener("hashchange", () => {
    if (readAddress()) return;
    showAddress();
  });
  window.addEventListener("popstate", () => {
    readAddress();
    showAddress();
  });

  // --- Lists to copy: as a table, or as the commands in them ---

  for (const bar of document.querySelectorAll("[data-copies]")) {
    const table = $(bar.dataset.copies);
    const rows = () => [...table.rows].filter((row) => !row.hidden && !row.classList.contains("none"));
    const cell = (one) => one.dataset.text ?? one.textContent.trim().replace(/\s+/g, " ");
    bar.append(button("button", "Copy as CSV", () => copy(asCsv(rows().map((row) => [...row.cells].map(cell))), `${rows().length - 1} lines of CSV`)));
    const all = (read) => [...new Set(rows().map(read).filter(Boolean))];
    const offer = (name, of) => {
      if (of().length) bar.append(button("button", `Copy as ${name}`, () => copy(`${of().join("\n")}\n`, `${of().length.toLocaleString("en")} × ${name}`)));
    };
    offer("commands", () => all((row) => row.dataset.command));
    // What belongs below the same line stands below it together.
    offer("rollout.yaml", () => all((row) => row.dataset.under).flatMap((under) => [under, ...all((row) => (row.dataset.under === under ? row.dataset.entry : ""))]));
  }

  // --- Paper ---

  const folds = [...document.querySelectorAll("details[data-print]")];
  let open = [];
  window.addEventListener("beforeprint", () => {
    open = folds.map((fold) => fold.open);
    for (const fold of folds) fold.open = true;
    for (const grid of grids) grid.onPaper();
  });
  window.addEventListener("afterprint", () => {
    folds.forEach((fold, place) => {
      fold.open = open[place];
    });
    for (const paper of document.querySelectorAll(".paper")) paper.remove();
  });

  const section = readAddress();
  showAddress();
  if (!section && state.size) $("users").scrollIntoView();
  document.documentElement.classList.add("ready");
})();
