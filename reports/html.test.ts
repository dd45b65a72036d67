import { expect, test } from 'vitest';
import { html, render, trusted } from './html.ts';

test('text is escaped wherever it stands, markup is not escaped twice', () => {
  const inner = html`<b title="${`"><script>`}">${"Tom & 'Jerry' <x>"}</b>`;
  expect(render(html`<p>${inner}</p>`)).toBe(
    '<p><b title="&quot;&gt;&lt;script&gt;">Tom &amp; &#39;Jerry&#39; &lt;x&gt;</b></p>',
  );
});

test('nothing, false and empty lists are nothing; zero is a number', () => {
  expect(render(html`${null}${undefined}${false}${[]}${0}`)).toBe('0');
});

test('an object that only looks like markup is not trusted', () => {
  const forged = JSON.parse('{"markup":"<script>"}');
  expect(render(html`${forged}`)).not.toContain('<script>');
});

test('control characters become visible, line feeds stay', () => {
  expect(render('a\u0000b\u001bc\u007fd\ne')).toBe('a\ufffdb\ufffdc\ufffdd\ne');
});

test('constants of our own go in as they are', () => {
  expect(render(html`<style>${trusted('a>b{}')}</style>`)).toBe('<style>a>b{}</style>');
});
