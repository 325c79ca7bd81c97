/** What scripts say, in the language of the page: its catalogue, if it has one, stands before every other module. */

const known = globalThis.tidewireWords ?? {};

const fill = (text, fields) => text.replace(/%\((\w+)\)s/g, (_, name) => fields[name]);

/** Return a text, with its fields. */
export const gettext = (text, fields = {}) => fill(known[text] ?? text, fields);

/** Return the form of a text for a number, with its fields. */
export const ngettext = (one, many, count, fields = {}) => fill((known[one] ?? [one, many])[count === 1 ? 0 : 1], { count, ...fields });
