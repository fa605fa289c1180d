// The floor plan as it is drawn in every view: metres, x east, y north (up).

import { node } from "./stage.js";

export const KINDS = ["aisle", "promo", "till", "entrance", "exit", "fitting-room", "queue", "staff"];

export function extentOf(plan, rows = []) {
  const points = [...plan.outline, ...plan.zones.flatMap((zone) => zone.polygon),
    ...plan.fixtures.flat(), ...rows.filter((row) => Number.isFinite(row.east + row.north))
      .map((row) => [row.east, row.north])];
  if (points.length < 2) return [0, 0, 10, 10];
  const east = points.map(([x]) => x), north = points.map(([, y]) => y);
  const box = [Math.min(...east), Math.min(...north), Math.max(...east), Math.max(...north)];
  return box[2] - box[0] > 0.5 && box[3] - box[1] > 0.5 ? box
    : [box[0] - 2, box[1] - 2, box[2] + 2, box[3] + 2];
}

export function pointsOf(polygon) {
  return polygon.map(([x, y]) => `${x},${-y}`).join(" ");
}

export function middleOf(polygon) {
  const sum = polygon.reduce(([a, b], [x, y]) => [a + x, b + y], [0, 0]);
  return [sum[0] / polygon.length, sum[1] / polygon.length];
}

export function inside([x, y], polygon) {
  let odd = false;
  for (let i = 0, j = polygon.length - 1; i < polygon.length; j = i++) {
    const [ax, ay] = polygon[i], [bx, by] = polygon[j];
    if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) odd = !odd;
  }
  return odd;
}

export function area(polygon) {
  return Math.abs(polygon.reduce((sum, [x, y], i) => {
    const [nx, ny] = polygon[(i + 1) % polygon.length];
    return sum + x * ny - nx * y;
  }, 0)) / 2;
}

// Lines of whole metres over what is in view, with their figures at the edge.
export function metreLines(stage) {
  const { x, y, width, height } = stage.box;
  const step = [1, 2, 5, 10, 20, 50].find((one) => one / stage.unit > 34) ?? 100;
  const lines = [], size = 11 * stage.unit;
  for (let at = Math.ceil(x / step) * step; at <= x + width; at += step) {
    lines.push(node("line", { x1: at, x2: at, y1: y, y2: y + height,
      class: `metre ${at % 5 ? "" : "far"}` }));
    lines.push(node("text", { x: at + 2 * stage.unit, y: y + height - 4 * stage.unit,
      "font-size": size, class: "label" }, `${at}`));
  }
  for (let at = Math.ceil(y / step) * step; at <= y + height; at += step) {
    lines.push(node("line", { x1: x, x2: x + width, y1: at, y2: at,
      class: `metre ${at % 5 ? "" : "far"}` }));
    lines.push(node("text", { x: x + 3 * stage.unit, y: at - 2 * stage.unit,
      "font-size": size, class: "label" }, `${at === 0 ? 0 : -at}`));
  }
  return lines;
}

// Outline, fixtures and zones. `state(type, index)` gives classes; `under` is drawn below them.
export function drawFloor(stage, plan, { state = () => "", under = [] } = {}) {
  const shapes = [];
  const shape = (type, index, polygon, looks) => shapes.push(node("polygon", {
    points: pointsOf(polygon), class: `shape ${looks} ${state(type, index)}`,
    "data-grab": "shape", "data-type": type, "data-index": index,
  }));
  const walls = plan.outline.length > 2;
  if (walls) shapes.push(node("polygon", { points: pointsOf(plan.outline), class: "outline" }));
  shapes.push(...under, ...metreLines(stage));
  plan.fixtures.forEach((polygon, index) => shape("fixture", index, polygon, "fixture"));
  // Small ones above large ones, as the agent takes them.
  const order = plan.zones.map((zone, index) => [area(zone.polygon), index])
    .sort((a, b) => b[0] - a[0]);
  for (const [, index] of order) {
    shape("zone", index, plan.zones[index].polygon, `zone kind-${plan.zones[index].kind}`);
  }
  if (walls) shape("outline", 0, plan.outline, "outline over");
  for (const zone of plan.zones) {
    const [x, y] = middleOf(zone.polygon);
    shapes.push(node("text", { x, y: -y, "text-anchor": "middle", "font-size": 12 * stage.unit,
      class: "label" }, zone.name || zone.id));
  }
  return shapes;
}
