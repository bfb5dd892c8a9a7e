/** Charts of the last minutes: one SVG each, numbers beside it as text. */

const SVG = 'http://www.w3.org/2000/svg';
const POINTS = 150;
const HEIGHT = 100;

/** 12, 1.23k, 45.6M: at most three digits that matter. */
export function compact(value) {
  if (!Number.isFinite(value)) return '–';
  const size = Math.abs(value);
  if (size < 1000)
    return size < 10 && !Number.isInteger(value) ? value.toFixed(1) : String(Math.round(value));
  const units = ['k', 'M', 'G', 'T', 'P'];
  let unit = -1;
  while (Math.abs(value) >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toFixed(digits) + units[unit];
}

export function percent(value) {
  if (!Number.isFinite(value)) return '–';
  return `${value > 0 && value < 9.95 ? value.toFixed(1) : Math.round(value)} %`;
}

/** Without zeros that say nothing. */
function plain(text) {
  return text.replace(/\.0+(?=\D|$)/, '');
}

function svg(name, attributes) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

function html(name, className, text = '') {
  const element = document.createElement(name);
  element.className = className;
  element.textContent = text;
  return element;
}

/** The end of a scale that ends at a round number, at or above the highest value. */
function roundUp(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 4, 5, 10].map((step) => step * power).find((end) => end >= value);
}

export class Chart {
  #series;
  #format;
  #top;
  #title;
  #plot;
  #cursorLine;
  #scaleTop = html('span', 'scale top');
  #scaleMiddle = html('span', 'scale middle');
  #cursor = -1;

  /** series: [{ name, colour, area }]. top: the end of the scale where it does not depend on the values. */
  constructor(figure, title, series, { format = compact, top = 0, seconds }) {
    this.#title = title;
    this.#format = format;
    this.#top = top;
    const caption = html('figcaption', '');
    const legend = html('span', 'legend');
    caption.append(html('b', '', title), legend);
    const image = svg('svg', {
      viewBox: `0 0 ${POINTS - 1} ${HEIGHT}`,
      preserveAspectRatio: 'none',
      'aria-hidden': 'true',
    });
    for (const y of [0, HEIGHT / 2])
      image.append(svg('line', { class: 'grid', x1: 0, x2: POINTS - 1, y1: y, y2: y }));
    image.append(svg('line', { class: 'base', x1: 0, x2: POINTS - 1, y1: HEIGHT, y2: HEIGHT }));
    this.#series = series.map(({ name, colour, area = false }) => {
      const label = html('span', colour, name);
      const value = document.createElement('output');
      const wash = area ? svg('path', { class: 'area' }) : null;
      const line = svg('path', { class: colour });
      if (series.length > 1) label.append(value);
      else label.replaceChildren(value);
      if (wash !== null) image.append(wash);
      image.append(line);
      legend.append(label);
      return { name, value, wash, line, points: new Array(POINTS).fill(Number.NaN) };
    });
    this.#cursorLine = svg('line', { class: 'cursor', y1: 0, y2: HEIGHT, visibility: 'hidden' });
    image.append(this.#cursorLine);
    this.#plot = html('div', 'plot');
    this.#plot.tabIndex = 0;
    this.#plot.setAttribute('role', 'img');
    this.#plot.append(image, this.#scaleTop, this.#scaleMiddle);
    const times = html('div', 'times');
    times.append(html('span', '', `${Math.round((POINTS * seconds) / 60)} min ago`), html('span', '', 'now'));
    figure.append(caption, this.#plot, times);
    this.#watchCursor();
    this.draw();
  }

  /** Adds the values of now, in the order of the series; NaN where there is none. */
  push(values) {
    this.#series.forEach(({ points }, i) => {
      points.shift();
      points.push(values[i]);
    });
    this.draw();
  }

  clear() {
    for (const { points } of this.#series) points.fill(Number.NaN);
  }

  draw() {
    const highest = Math.max(0, ...this.#series.flatMap(({ points }) => points.filter(Number.isFinite)));
    const top = this.#top || roundUp(Math.max(highest, 1));
    for (const { points, line, wash } of this.#series) {
      const path = pathOf(points, top);
      line.setAttribute('d', path);
      const first = points.findIndex(Number.isFinite);
      wash?.setAttribute('d', path === '' ? '' : `${path}L${POINTS - 1} ${HEIGHT}L${first} ${HEIGHT}Z`);
    }
    this.#scaleTop.textContent = plain(this.#format(top));
    this.#scaleMiddle.textContent = plain(this.#format(top / 2));
    this.#showValues();
  }

  #showValues() {
    const at = this.#cursor < 0 ? POINTS - 1 : this.#cursor;
    for (const { points, value } of this.#series) value.textContent = this.#format(points[at]);
    const spoken = this.#series.map(({ name, points }) => `${name} ${this.#format(points[at])}`).join(', ');
    this.#plot.setAttribute('aria-label', `${this.#title}: ${spoken}`);
    this.#cursorLine.setAttribute('visibility', this.#cursor < 0 ? 'hidden' : 'visible');
    this.#cursorLine.setAttribute('x1', at);
    this.#cursorLine.setAttribute('x2', at);
  }

  /** Pointer and arrow keys show the values of an earlier moment. */
  #watchCursor() {
    const show = (at) => {
      this.#cursor = at;
      this.#showValues();
    };
    this.#plot.addEventListener('pointermove', (event) => {
      const { left, width } = this.#plot.getBoundingClientRect();
      show(Math.max(0, Math.min(POINTS - 1, Math.round(((event.clientX - left) / width) * (POINTS - 1)))));
    });
    this.#plot.addEventListener('pointerleave', () => show(-1));
    this.#plot.addEventListener('blur', () => show(-1));
    this.#plot.addEventListener('keydown', (event) => {
      const now = this.#cursor < 0 ? POINTS - 1 : this.#cursor;
      if (event.key === 'ArrowLeft') show(Math.max(0, now - 1));
      else if (event.key === 'ArrowRight') show(now + 1 >= POINTS - 1 ? -1 : now + 1);
      else if (event.key === 'Escape') show(-1);
      else return;
      event.preventDefault();
    });
  }
}

function pathOf(points, top) {
  let path = '';
  points.forEach((value, x) => {
    if (!Number.isFinite(value)) return;
    const y = HEIGHT - (Math.min(value, top) / top) * HEIGHT;
    path += `${path === '' ? 'M' : 'L'}${x} ${y.toFixed(2)}`;
  });
  return path;
}
