// @ts-check
/**
 * Builds a JSON Schema of an object without writing JSON.
 *
 * The textarea inside stays what is sent; this draws its properties as rows above it. A
 * schema with parts that rows cannot show is left as JSON.
 */

const TYPES = ["string", "number", "integer", "boolean", "array"];
const SHOWN = new Set(["type", "description", "enum", "items"]);

/** @param {HTMLElement} root */
export function init(root) {
  const area = root.querySelector("textarea");
  const template = root.querySelector("template");
  const rows = root.querySelector("[data-rows]");
  const builder = root.querySelector("[data-builder]");
  const json = root.querySelector("[data-json]");
  const toggle = root.querySelector("[data-toggle]");
  const add = root.querySelector("[data-add]");
  const note = root.querySelector("[data-note]");
  if (
    !(area instanceof HTMLTextAreaElement) ||
    !(template instanceof HTMLTemplateElement) ||
    !(rows instanceof HTMLElement) ||
    !(builder instanceof HTMLElement) ||
    !(json instanceof HTMLElement) ||
    !(toggle instanceof HTMLButtonElement) ||
    !(add instanceof HTMLButtonElement) ||
    !(note instanceof HTMLElement)
  ) {
    return;
  }
  /** @returns {Record<string, any> | null} null: no JSON, or no object */
  const parsed = () => {
    if (!area.value.trim()) return { type: "object", properties: {}, required: [] };
    try {
      const value = JSON.parse(area.value);
      return value && typeof value === "object" && !Array.isArray(value) ? value : null;
    } catch {
      return null;
    }
  };

  /** @param {string} name @param {Record<string, any>} property @param {boolean} required */
  const addRow = (name, property, required) => {
    const row = template.content.cloneNode(true);
    if (!(row instanceof DocumentFragment)) return;
    const element = row.firstElementChild;
    if (!(element instanceof HTMLElement)) return;
    for (const control of element.querySelectorAll("[data-part]")) {
      const part = control.getAttribute("data-part");
      if (control instanceof HTMLInputElement && control.type === "checkbox") {
        control.checked = required;
      } else if (control instanceof HTMLInputElement || control instanceof HTMLSelectElement) {
        if (part === "name") control.value = name;
        if (part === "type") control.value = property.type ?? "string";
        if (part === "description") control.value = property.description ?? "";
        if (part === "choices") control.value = (property.enum ?? []).join(", ");
      }
    }
    element.querySelector("[data-remove]")?.addEventListener("click", () => {
      const next = element.nextElementSibling ?? element.previousElementSibling;
      element.remove();
      write();
      const focus = next?.querySelector("input") ?? add;
      if (focus instanceof HTMLElement) focus.focus();
    });
    rows.append(element);
  };

  /** @param {Element} row @param {string} part */
  const control = (row, part) =>
    /** @type {HTMLInputElement} */ (row.querySelector(`[data-part="${part}"]`));

  /** Writes the rows into the textarea. */
  const write = () => {
    /** @type {Record<string, any>} */
    const properties = {};
    /** @type {string[]} */
    const required = [];
    for (const row of rows.children) {
      const name = control(row, "name").value.trim();
      if (!name) continue;
      /** @type {Record<string, any>} */
      const property = { type: control(row, "type").value };
      if (property.type === "array") property.items = { type: "string" };
      const description = control(row, "description").value.trim();
      if (description) property.description = description;
      const choices = control(row, "choices").value.split(",").map((one) => one.trim());
      const kept = choices.filter(Boolean);
      if (kept.length && property.type === "string") property.enum = kept;
      properties[name] = property;
      if (control(row, "required").checked) required.push(name);
    }
    const kept = parsed() ?? {};
    area.value = JSON.stringify({ ...kept, type: "object", properties, required }, null, 2);
  };

  /** Draws the textarea's schema as rows; false when rows cannot show it. */
  const draw = () => {
    const schema = parsed();
    if (!schema || !canShow(schema)) return false;
    rows.replaceChildren();
    const required = new Set(schema.required ?? []);
    for (const [name, property] of Object.entries(schema.properties ?? {})) {
      addRow(name, property, required.has(name));
    }
    return true;
  };

  /** @param {boolean} isJson */
  const show = (isJson) => {
    const canDraw = isJson || draw();
    const shownJson = isJson || !canDraw;
    builder.hidden = shownJson;
    json.hidden = !shownJson;
    note.hidden = canDraw;
    toggle.textContent = (shownJson ? toggle.dataset.rowsText : toggle.dataset.jsonText) ?? "";
  };

  rows.addEventListener("input", write);
  rows.addEventListener("change", write);
  add.addEventListener("click", () => {
    addRow("", {}, false);
    const last = rows.lastElementChild?.querySelector("input");
    if (last instanceof HTMLElement) last.focus();
  });
  toggle.addEventListener("click", () => show(!builder.hidden));
  toggle.hidden = false;
  show(false);
}

/** @param {Record<string, any>} schema */
function canShow(schema) {
  if (schema.type !== undefined && schema.type !== "object") return false;
  return Object.values(schema.properties ?? {}).every(
    (property) =>
      property &&
      typeof property === "object" &&
      TYPES.includes(property.type ?? "string") &&
      Object.keys(property).every((key) => SHOWN.has(key)) &&
      (property.enum === undefined || property.type === "string") &&
      (property.items === undefined || property.items.type === "string"),
  );
}
