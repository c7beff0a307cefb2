// Send an event, or invoke a function: a name, an editor for JSON, hints while typing.

import { get, post } from "./api.js";
import { h, replace, single, toast } from "./dom.js";
import { parse } from "./exact.js";
import { laidOut, plain } from "./format.js";
import { example, fieldsOf, problems, resolve } from "./schema.js";

export function sendPage(main, query) {
  const [invoked, again] = [query.get("invoke"), query.get("event")];
  let names = [];
  let isTouched = Boolean(again);
  let isLeft = false;
  const options = h("datalist", { id: "names" });
  const name = h("input", { id: "name", list: "names", autocomplete: "off", required: true, disabled: Boolean(invoked), value: invoked || query.get("name") || "", on: { input: () => { suggest(); check(); } } });
  const data = h("textarea", { id: "data", spellcheck: "false", "aria-describedby": "hint", value: "{}",
    on: { input: () => { isTouched = true; check(); }, keydown: onKey } });
  const hint = h("div", { id: "hint", class: "hint", role: "status" });
  const side = h("aside", { class: "card side", "aria-label": "Form of the data" });
  const button = h("button", { class: "button primary" }, invoked ? "Invoke function" : "Send event");
  replace(main, h("div", { class: "head" }, h("h1", {}, invoked ? "Invoke a function" : "Send an event")),
    h("div", { class: "send" },
      h("form", { on: { submit: (event) => { event.preventDefault(); submit(); } } },
        h("div", { class: "field" }, h("label", { for: "name" }, invoked ? "Function" : "Event name"), name, options),
        h("div", { class: "field" }, h("label", { for: "data" }, "Data (JSON)"), data, hint),
        h("div", { class: "tools" }, button,
          h("button", { class: "button", type: "button", on: { click: format } }, "Format"))),
      side));

  get("names").then((found) => {
    names = found;
    options.append(...found.map((each) => h("option", { value: each.name })));
    suggest();
    check();
  });
  if (again) {
    get(`events/${encodeURIComponent(again)}`).then(({ body }) => {
      name.value = body.name;
      data.value = laidOut(body.data);
      suggest();
      check();
    });
  }
  (invoked || again || query.get("name") ? data : name).focus();

  const known = () => names.find((each) => each.name === name.value);

  function suggest() {
    const found = invoked ? null : known();
    const schema = found?.schema;
    if (found && !isTouched) fill(found);
    if (schema) {
      const { title, description } = resolve(schema);
      replace(side, h("h2", {}, title || "Data"), description ? h("p", { class: "muted" }, description) : null,
        h("ul", { class: "schema" }, fieldsOf(schema).map((field) => h("li", {},
          h("code", {}, field.name), h("span", { class: "muted" }, field.type + (field.isRequired ? "" : ", optional")),
          field.text ? h("p", {}, field.text) : null))),
        h("div", { class: "more" }, h("button", { class: "button", type: "button", on: { click: () => { isTouched = true; data.value = laidOut(example(schema)); check(); } } }, "Fill with an example")));
    } else {
      replace(side, h("h2", {}, "Data"), h("p", { class: "muted" }, found?.last
        ? "Filled with the data of the last event of this name. Typed events (inngest.EventType) of an app that is started with --app show their fields here."
        : "Any JSON object. Typed events (inngest.EventType) of an app that is started with --app show their fields here."));
    }
  }

  async function fill(found) {
    const { body } = found.last ? await get(`events/${found.last}`) : { body: { data: found.schema ? example(found.schema) : {} } };
    if (isTouched || known() !== found) return; // typed meanwhile
    data.value = laidOut(body.data);
    check();
  }

  function check() {
    let value;
    try {
      value = JSON.parse(data.value);
    } catch (error) {
      return tell(error.message, "bad");
    }
    if (value === null || typeof value !== "object" || Array.isArray(value)) return tell("The data must be a JSON object.", "bad");
    const schema = invoked ? null : known()?.schema;
    const found = schema ? problems(value, schema) : [];
    return tell(found.length ? `Does not fit its type: ${found.join("; ")}.` : schema ? "Fits its type." : "", found.length ? "warn" : "ok");
  }

  function tell(text, kind) {
    hint.textContent = plain(text);
    hint.className = `hint ${kind === "warn" ? "bad" : kind}`;
    data.setAttribute("aria-invalid", String(kind === "bad"));
    button.disabled = kind === "bad";
  }

  function format() {
    try { data.value = laidOut(parse(data.value)); } catch { /* what is wrong is told already */ }
    check();
  }

  const submit = single(async () => {
    const value = parse(data.value);
    try {
      const answer = await (invoked ? post("invoke", { function: invoked, data: value }) : post("send", { name: name.value, data: value }));
      toast(invoked ? "The function is invoked." : "The event is sent.");
      if (!isLeft) location.hash = `#/runs?event=${answer.ids[0]}`;
    } catch (error) { toast(error.message, true); }
  });

  function onKey(event) {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !button.disabled) event.target.form.requestSubmit();
  }

  return () => { isLeft = true; };
}
