// The surprise of the last steps as a line; upright marks where the dream was anchored, gaps where a world stood still.

const STEPS = 300;
const FLOOR = 0.1;

export class Spark {
  constructor(canvas) {
    this.canvas = canvas;
    this.past = [];
  }

  clear() {
    this.past = [];
  }

  add(frame) {
    this.past.push({ surprise: frame.surprise, anchored: frame.anchored, first: frame.step === 0 });
    if (this.past.length > STEPS) this.past.shift();
  }

  draw() {
    const { canvas, past } = this;
    const scale = window.devicePixelRatio || 1;
    const width = Math.round(canvas.clientWidth * scale);
    const height = Math.round(canvas.clientHeight * scale);
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    const style = getComputedStyle(canvas);
    const pen = canvas.getContext('2d');
    pen.clearRect(0, 0, width, height);
    const top = past.reduce((most, p) => (p.surprise > most ? p.surprise : most), FLOOR);
    const x = (i) => ((i + STEPS - past.length) / (STEPS - 1)) * width;
    const y = (s) => height - 2 * scale - (s / top) * (height - 6 * scale);

    pen.fillStyle = style.getPropertyValue('--line');
    pen.fillRect(0, height - scale, width, scale);
    const few = past.filter((p) => p.anchored).length * 4 < past.length;
    past.forEach((p, i) => {
      if (p.first) pen.fillStyle = style.getPropertyValue('--faint');
      else if (p.anchored && few) pen.fillStyle = style.getPropertyValue('--line');
      else return;
      pen.fillRect(Math.round(x(i)), 0, scale, height);
    });

    pen.strokeStyle = style.getPropertyValue('--warn');
    pen.lineWidth = 1.5 * scale;
    pen.lineJoin = 'round';
    pen.beginPath();
    let down = false;
    past.forEach((p, i) => {
      if (Number.isNaN(p.surprise) || p.first) down = false;
      if (Number.isNaN(p.surprise)) return;
      if (down) pen.lineTo(x(i), y(p.surprise));
      else pen.moveTo(x(i), y(p.surprise));
      down = true;
    });
    pen.stroke();
  }
}
