// Markup that can't be broken by what is written into it: every value is escaped, unless it is markup already.

const text = Symbol('markup');

export interface Html {
  readonly [text]: string;
}

/** `false`, `null` and `undefined` are nothing, so that `condition && html…` reads well. Lists are joined. */
export type Content = Html | string | number | false | null | undefined | readonly Content[];

export function html(strings: TemplateStringsArray, ...values: readonly Content[]): Html {
  return trusted(
    strings.reduce((all, string, index) => all + string + (index < values.length ? render(values[index]) : ''), ''),
  );
}

/** For our own constants only: style sheets and paths made of numbers. */
export const trusted = (markup: string): Html => ({ [text]: markup });

export function render(content: Content): string {
  if (content === false || content === null || content === undefined) return '';
  if (typeof content === 'string' || typeof content === 'number') return escaped(String(content));
  if (Array.isArray(content)) return content.map(render).join('');
  return (content as Html)[text];
}

/** No HTML at all, escaped or not; what a target wrote may hold them. Line feeds and tabs are fine. */
const controls = /(?![\n\t\r])\p{Cc}/gu;

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
const escaped = (value: string): string =>
  value.replace(/[&<>"']/g, (character) => entities[character] ?? '').replace(controls, '\ufffd');
