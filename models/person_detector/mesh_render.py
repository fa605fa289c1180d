"""Draws a scene of triangles with OpenGL (moderngl, EGL; llvmpipe will do), and who is seen in it."""

# ruff: noqa: PLR2004, E501 -- shader text has its own lines and constants

from __future__ import annotations

import moderngl
import numpy as np
from numpy.typing import NDArray

from models.person_detector.mesh_camera import Camera
from models.person_detector.mesh_soup import ROW, Light, Room, Soup

Array = NDArray[np.float64]
Image = NDArray[np.uint8]

DOWN = (0.02, 0.03, 1.0)
TILE, TILES = 48, 12
SHADOW = 768
PHOTO = 512

COMMON = """
#version 430
uniform vec3 eye; uniform mat3 axes; uniform vec4 lens; uniform vec4 frame; uniform int fisheye;
// lens: focal, k1, limit, far ; frame: width, height, cx, cy
vec4 screen(vec3 p, out float clip) {
  vec3 c = axes * (p - eye);
  float flat_ = length(c.xy);
  if (fisheye == 1) {
    float theta = atan(flat_, c.z);
    clip = 1.75 - theta;
    vec2 px = c.xy * (lens.x * theta / max(flat_, 1e-6)) + frame.zw;
    return vec4(px.x / frame.x * 2 - 1, 1 - px.y / frame.y * 2, length(c) / lens.w * 2 - 1, 1);
  }
  clip = c.z - 0.05;
  float z = max(c.z, 0.05);
  float bent = 1 + lens.y * min(flat_ * flat_ / (z * z), lens.z);
  vec2 px = c.xy * lens.x * bent + frame.zw * c.z;
  float n = 0.05;
  float depth = (lens.w + n) / (lens.w - n) * c.z - 2 * lens.w * n / (lens.w - n);
  return vec4(px.x / frame.x * 2 - c.z, c.z - px.y / frame.y * 2, depth, c.z);
}
"""

VERTEX = (
    COMMON
    + """
in vec3 pos; in vec3 nrm; in vec3 tex; in vec3 info;
uniform sampler2D rows; uniform float mirror; uniform vec4 tile;
out vec3 w; out vec3 n; out vec3 t; flat out int obj; flat out float part; out float along;
out float gl_ClipDistance[2];
invariant gl_Position;
vec4 row(int k) { return texelFetch(rows, ivec2(k, obj), 0); }
void main() {
  obj = int(info.x + 0.5); part = info.y; along = info.z; t = tex;
  vec3 p = pos; n = nrm;
  if (row(0).x > 0.5 && row(0).x < 1.5) {
    int g = int(part + 0.5);
    vec4 o = row(8);
    float d = 0;
    bool arm = g >= 5 && g <= 8, leg = g >= 11 && g <= 14, trunk = g <= 2;
    if (trunk) d = t.z > row(5).w ? o.x : o.z;
    if (arm && along < row(3).w) d = o.y;
    if (leg) d = (t.z > row(5).w) ? o.x : (along < row(4).w ? o.z : 0.0);
    if (g >= 15) d = 0.012;
    if (g == 4) {
      vec4 h = row(9);
      vec3 q = (t - vec3(h.x, 0, h.y)) / 0.06;
      float m = q.z - h.z - h.w * q.x;
      d = smoothstep(0.0, 0.5, m) * o.w;
    }
    p += n * d;
  }
  float c2;
  gl_ClipDistance[1] = mirror < 0 ? p.z + 0.02 : 1.0;
  if (mirror < 0) { p.z = -p.z; n.z = -n.z; }
  w = p;
  float c;
  gl_Position = screen(p, c);
  gl_ClipDistance[0] = c;
  gl_Position.xy = gl_Position.xy * tile.xy + tile.zw * gl_Position.w;
}
"""
)

PATTERNS = """
uniform sampler2DArray photos;
float hash(vec2 p) { p = fract(p * vec2(127.1, 311.7)); p += dot(p, p + 34.53); return fract(p.x * p.y * 17.3); }
float noise(vec2 p) {
  vec2 i = floor(p), f = fract(p); f = f * f * (3 - 2 * f);
  return mix(mix(hash(i), hash(i + vec2(1, 0)), f.x), mix(hash(i + vec2(0, 1)), hash(i + vec2(1, 1)), f.x), f.y);
}
float fbm(vec2 p) { return 0.5 * noise(p) + 0.3 * noise(p * 2.1 + 7) + 0.2 * noise(p * 4.7 + 3); }
vec3 hue(float h) { return clamp(abs(mod(h * 6 + vec3(0, 4, 2), 6) - 3) - 1, 0, 1); }
vec3 goods(vec2 uv, float s, vec3 a, vec3 b, float seed) {
  float rowh = 0.28 + 0.14 * hash(vec2(seed, 1));
  float r = floor(uv.y / rowh), fy = fract(uv.y / rowh);
  if (fy < 0.1) return fract(uv.x * 3.1 + hash(vec2(r, seed)) * 9) < 0.5 && fy > 0.02 ? vec3(0.85) * (0.8 + 0.2 * a) : a * 0.9;
  float runw = 0.25 + 0.5 * hash(vec2(r, seed + 2));
  float run = floor(uv.x / runw + hash(vec2(r, seed)));
  vec2 key = vec2(run, r + seed * 13);
  float cw = 0.06 + 0.13 * hash(key + 3);
  float cell = floor(uv.x / cw), fx = fract(uv.x / cw);
  float top = 0.45 + 0.5 * hash(key + 5) - (hash(vec2(cell, r + seed)) < 0.07 ? 0.3 : 0.0);
  vec3 dark = a * 0.35;
  if (fy > top || fx < 0.06) return dark;
  float h = hash(key + 11), sat = 0.75 * hash(key + 17) * hash(key + 19) + 0.08, val = 0.25 + 0.65 * hash(key + 23);
  vec3 col = val * mix(vec3(1), hue(h), sat);
  float band = hash(key + 29);
  vec3 label = hash(key + 31) < 0.6 ? vec3(0.85) : hue(hash(key + 37)) * 0.6;
  float f = (fy - 0.1) / (top - 0.1);
  if (f > band * 0.6 && f < band * 0.6 + 0.3 && fx > 0.15 && fx < 0.92) col = mix(col, label, 0.8);
  if (f > 0.86 && hash(key + 41) < 0.5) col *= 0.5;
  return col * (0.75 + 0.25 * f);
}
vec3 pattern(int k, vec2 uv, float s, vec3 a, vec3 b, float seed) {
  float f = max(fwidth(uv.x), fwidth(uv.y)) / s;
  float keep = clamp(1.4 - 2.5 * f, 0, 1);
  if (k == 1) { // tiles
    vec2 c = uv / s, q = fract(c), id = floor(c);
    float g = min(min(q.x, 1 - q.x), min(q.y, 1 - q.y));
    vec3 col = a * (0.93 + 0.14 * hash(id + seed)) * (0.92 + 0.16 * fbm(uv * 3 / s));
    return mix(mix(a, b, 0.05), mix(b, col, smoothstep(0.008, 0.02 + f, g)), keep);
  }
  if (k == 2) { vec2 id = floor(uv / s); vec2 q = fract(uv / s);
    float m = mod(id.x + id.y, 2);
    vec3 col = mix(a, b, m) * (0.92 + 0.16 * fbm(uv * 2)); return mix(mix(a, b, 0.5), col, keep); }
  if (k == 3) { // planks
    float r = floor(uv.x / s); vec2 c = vec2(uv.x / s, uv.y / (s * 9) + hash(vec2(r, seed)));
    vec2 q = fract(c), id = floor(c);
    vec3 col = mix(a, b, hash(id + seed)) * (0.85 + 0.3 * fbm(vec2(uv.x * 40, uv.y * 2) / (s * 8)));
    if (q.x < 0.03 || q.y < 0.004) col *= 0.6;
    return mix(mix(a, b, 0.5), col, keep);
  }
  if (k == 4) { float m = fbm(uv / s) ; float d = fbm(uv / s * 6 + 3); return mix(a, b, smoothstep(0.3, 0.75, m)) * (0.9 + 0.2 * d); }
  if (k == 5) { vec3 ph = texture(photos, vec3(uv / s, floor(seed))).rgb;
    float l = dot(ph, vec3(0.333)); return mix(ph, a * (0.3 + 1.3 * l), b.x); }
  if (k == 6) { float m = smoothstep(0.45 - f, 0.55 + f, abs(fract(uv.y / s) * 2 - 1)); return mix(a, b, mix(0.5, m, keep)); }
  if (k == 7) { vec2 q = abs(fract(uv / s) * 2 - 1); float m = 0.5 * (step(0.6, q.x) + step(0.6, q.y)); return mix(a, b, mix(0.4, m, keep)); }
  if (k == 8) return goods(uv, s, a, b, seed);
  if (k == 9) return a; // wire, cut below
  if (k == 10) { vec2 id = floor(uv / s); vec2 q = fract(uv / s) - 0.5 - 0.3 * (vec2(hash(id), hash(id + 9)) - 0.5);
    float m = smoothstep(0.3, 0.25, length(q)) * step(0.3, hash(id + seed)); return mix(a, b, m * keep); }
  if (k == 11) { // poster: blocks and lines of text
    vec2 id = floor(uv / s); float h = hash(id + seed);
    vec3 col = h < 0.5 ? a : (h < 0.75 ? b : mix(a, b, 0.5));
    vec2 q = uv / (s * 0.11); float line = floor(q.y);
    if (h > 0.35 && mod(line, 2) == 0 && hash(vec2(floor(q.x * 1.5), line) + seed) < 0.6) col = mix(col, h < 0.6 ? vec3(0.1) : vec3(0.9), 0.75 * clamp(1.4 - 25 * f, 0, 1));
    return col;
  }
  if (k == 12) { float r = floor(uv.y / s); vec2 c = vec2(uv.x / (s * 2.5) + 0.5 * mod(r, 2), uv.y / s), q = fract(c);
    float m = step(0.04, q.x) * step(0.1, q.y); return mix(mix(a, b, 0.15), mix(b, a * (0.8 + 0.4 * hash(floor(c) + seed)), m), keep); }
  if (k == 13) { float m = fbm(uv / s); float d = noise(uv / s * 5); return mix(a, b, m) * (0.6 + 0.8 * d); }
  if (k == 14) { // inlaid rings on slabs
    vec3 col = a * (0.95 + 0.1 * hash(floor(uv / (s * 0.2)) + seed)) * (0.94 + 0.12 * fbm(uv));
    vec2 q = fract(uv / (s * 0.2)); if (min(q.x, q.y) < 0.025) col = mix(col, a * 0.8, clamp(1.4 - 12 * f, 0, 1));
    float m = abs(fract(length(uv - s * 1.2) / s / 2) * 2 - 1); return mix(col, col * b / max(max(b.r, b.g), b.b), smoothstep(0.7, 0.72, m)); }
  if (k == 15) { // carpet of flecks
    float m = hash(floor(uv / 0.02) + seed); float d = fbm(uv / s); return mix(a, b, mix(0.35, smoothstep(0.4, 0.9, m), clamp(1 - f * s / 0.02, 0, 1))) * (0.85 + 0.3 * d); }
  if (k == 16) { // lane markings on asphalt
    vec3 col = a * (0.85 + 0.3 * fbm(uv * 1.5)) * (0.93 + 0.14 * hash(floor(uv / 0.015)));
    vec2 q = fract(uv / (s * 6)); float m = (q.x < 0.02 && fract(uv.y / s) < 0.7) || (q.y < 0.015 && q.x > 0.5) ? 1.0 : 0.0;
    return mix(col, b, m * 0.7); }
  return a * (0.95 + 0.1 * noise(uv * 7));
}
"""

LIGHT = """
uniform vec3 sun; uniform vec3 sunColour; uniform vec3 sky; uniform vec3 ground; uniform vec4 fill;
uniform sampler2D shade1; uniform sampler2D shade2; uniform mat4 toShade1; uniform mat4 toShade2;
uniform vec4 soft; // sun softness, ambient occlusion strength, patches, unevenness
uniform vec4 lampsAt[4];
float lit(sampler2D map, mat4 m, vec3 p, float radius, float bias) {
  vec3 c = (m * vec4(p, 1)).xyz * 0.5 + 0.5;
  if (any(lessThan(c.xy, vec2(0.045))) || any(greaterThan(c.xy, vec2(0.955)))) return 1;
  float a = hash(gl_FragCoord.xy * 0.37) * 6.283, sum = 0;
  for (int i = 0; i < 4; i++) {
    float r = radius * sqrt((i + 0.5) / 4.0); a += 2.4;
    sum += texelFetch(map, ivec2((c.xy + r * vec2(cos(a), sin(a))) * 768), 0).r + bias > c.z ? 1.0 : 0.0;
  }
  return sum / 4.0;
}
vec3 shadeOf(vec3 p, vec3 n, vec3 col, float spec, vec3 view) {
  float s = dot(sunColour, vec3(1)) > 0.15 ? lit(shade1, toShade1, p + n * 0.02, soft.x, 0.003) : 1.0;
  if (soft.z > 0) { vec2 q = p.xy * 0.5 + sun.xy * p.z * -0.7; float m = step(0.5, fract(q.x * soft.z)) * step(0.3, fract(q.y * soft.z * 0.5)) * smoothstep(0.42, 0.5, noise(q * 0.4)); s *= m; }
  float o = mix(1, lit(shade2, toShade2, p + n * 0.03, 0.035, 0.004), soft.y);
  vec3 e = mix(ground, sky, 0.5 + 0.5 * n.z) * o + sunColour * max(dot(n, sun), 0.0) * s + fill.w * max(dot(n, fill.xyz), 0.0) * sky;
  e *= 1 + soft.w * (2 * noise(p.xy * 0.35 + 3) - 1);
  vec3 out_ = col * e;
  vec3 h = normalize(sun - view);
  out_ += sunColour * s * spec * pow(max(dot(n, h), 0.0), 30.0);
  return out_;
}
"""

FRAGMENT = (
    "#version 430\nuniform vec3 eye;\n"
    + PATTERNS
    + LIGHT
    + """
in vec3 w; in vec3 n; in vec3 t; flat in int obj; flat in float part; in float along;
layout(early_fragment_tests) in;
uniform sampler2D rows; uniform float mirror; uniform int naming;
layout(location = 0) out vec4 colour; layout(location = 1) out vec4 place;
vec4 row(int k) { return texelFetch(rows, ivec2(k, obj), 0); }
void main() {
  vec4 r0 = row(0), r1 = row(1), r2 = row(2);
  bool skull = r0.x == 1.0 ? int(part + 0.5) == 4 : row(9).x > 0.5;
  place = naming == 1 ? vec4(mirror < 0 ? 0.0 : r0.y, skull ? 1 : 0, 0, 1) : vec4(w, 1);
  vec3 nn = normalize(n);
  vec3 view = normalize(w - eye);
  vec3 col;
  if (r0.x > 0.5 && r0.x < 1.5) {
    int g = int(part + 0.5);
    vec4 skin = row(3), low = row(4), shoe = row(5), hair = row(6), extra = row(7), h = row(9), pat = row(10);
    bool arm = g >= 5 && g <= 8;
    vec3 top = pattern(int(r0.z), g >= 5 && g <= 8 ? vec2(t.y, along * 0.35) * 1.7 : vec2(t.y, t.z) * 1.7, r0.w, r1.rgb, r2.rgb, float(obj));
    vec3 bottom = pattern(int(pat.x), vec2(t.y, t.z) * 1.7, pat.y, low.rgb, extra.rgb, float(obj) + 5);
    col = skin.rgb;
    if (g <= 2) {
      col = t.z > shoe.w ? top : bottom;
      if (extra.w > 0 && t.x > 0.0 && abs(t.y) < extra.w && t.z > shoe.w) col = row(11).rgb; // open jacket or print
      if (abs(t.z - shoe.w) < 0.006 && pat.z > 0.5) col *= 0.45;
      if (t.z > pat.w) col = skin.rgb;
    }
    else if (arm) col = along < skin.w ? top : skin.rgb;
    else if (g >= 11 && g <= 14) col = t.z > shoe.w ? top : (along < low.w ? bottom : (pat.z > 1.5 ? extra.rgb * 0.5 : skin.rgb));
    else if (g >= 15) col = shoe.rgb;
    else if (g == 3) col = row(11).w > 0.5 ? top : skin.rgb;
    else if (g == 4) {
      vec3 q = (t - vec3(h.x, 0, h.y)) / 0.06;
      float m = q.z - h.z - h.w * q.x + 0.12 * (noise(t.yz * 160) - 0.5);
      if (m > 0.0) col = hair.rgb * (0.75 + 0.5 * noise(vec2(t.y * 250, t.x * 40 + t.z * 40)));
      else if (q.x > 0.3 && abs(q.z - 0.15) < 0.1 && abs(abs(q.y) - 0.42) < 0.2) col *= 0.45;
      else if (q.x > 0.5 && abs(q.z + 0.85) < 0.06 && abs(q.y) < 0.3) col *= 0.7;
    }
    if (g <= 14) col *= 0.86 + 0.28 * fbm(vec2(t.y, t.z) * 28 + obj * 3.1);
  } else {
    vec2 uv = part < 0.5 ? t.yz : (part < 1.5 ? t.xz : t.xy);
    int k = int(r0.z);
    if (k == 9) {
      vec2 q = abs(fract(uv / r0.w) * 2 - 1); float f = max(fwidth(uv.x), fwidth(uv.y)) / r0.w;
      float lines = max(q.x, q.y);
      col = r1.rgb; }
    if (k == 8 && part > 1.5) k = 0;
    col = pattern(k, uv, r0.w, r1.rgb, r2.rgb, r2.w);
    if (dot(nn, view) > 0) nn = -nn;
  }
  colour = vec4(shadeOf(vec3(w.xy, abs(w.z)), vec3(nn.xy, mirror < 0 ? -nn.z : nn.z), col, r1.w, view), 1);
  if (r0.x > 1.5) colour.rgb = col; // glows by itself
}
"""
)

FLAT = (
    "#version 430\n"
    """
in vec3 w; in vec3 n; in vec3 t; flat in int obj; flat in float part; in float along;
uniform sampler2D rows;
out vec4 colour;
void main() {
  vec4 r0 = texelFetch(rows, ivec2(0, obj), 0);
  if (int(r0.z) == 9 && r0.x != 1.0) {
    vec2 uv = part < 0.5 ? t.yz : (part < 1.5 ? t.xz : t.xy);
    vec2 q = abs(fract(uv / r0.w) * 2 - 1); float f = max(fwidth(uv.x), fwidth(uv.y)) / r0.w;
    if (f < 0.5 ? max(q.x, q.y) < 0.82 : fract(sin(dot(gl_FragCoord.xy, vec2(12.98, 78.23))) * 43758.5) > 0.3) discard;
  }
  bool head = r0.x == 1.0 ? int(part + 0.5) == 4 : false;
  vec4 r9 = texelFetch(rows, ivec2(9, obj), 0);
  if (r0.x != 1.0 && r9.x > 0.5) head = true;
  colour = vec4(mod(r0.y, 256.0) / 255.0, floor(r0.y / 256.0) / 255.0, head ? 1 : 0, 1);
}
"""
)

DEPTH_VERTEX = """
#version 430
in vec3 pos; uniform mat4 m;
void main() { gl_Position = m * vec4(pos, 1); }
"""

ROOM_VERTEX = "#version 430\nin vec2 at; out vec2 uv; void main() { uv = at; gl_Position = vec4(at, 0.999, 1); }"
ROOM = (
    COMMON
    + PATTERNS
    + LIGHT
    + """
in vec2 uv; layout(location = 0) out vec4 colour; layout(location = 1) out vec4 place;
uniform vec3 roomLow; uniform vec3 roomHigh; uniform vec4 surf[15]; // per surface: (pattern, scale, seed, spec), a, b
uniform float reflect_; uniform vec3 skyColour; uniform float outdoors; uniform vec4 dirt; uniform float lampSize;
uniform vec4 back;
void main() {
  vec2 px = vec2((uv.x + 1) * 0.5 * frame.x, (1 - uv.y) * 0.5 * frame.y) - frame.zw;
  vec2 q = px / lens.x; vec3 d;
  if (fisheye == 1) { float th = min(length(q), 1.75); d = vec3(q / max(length(q), 1e-6) * sin(th), cos(th)); }
  else { vec2 u = q; for (int i = 0; i < 6; i++) u = q / (1 + lens.y * min(dot(u, u), lens.z)); d = vec3(u, 1); }
  vec3 ray = normalize(transpose(axes) * d);
  vec3 hi = mix((roomLow - eye) / ray, (roomHigh - eye) / ray, step(0.0, ray));
  float far = min(hi.x, min(hi.y, hi.z));
  vec3 p = eye + ray * far; vec3 n; int s; vec2 st; place = vec4(p, 1);
  if (far == hi.z) { s = ray.z < 0 ? 0 : 1; n = vec3(0, 0, ray.z < 0 ? 1 : -1); st = p.xy; }
  else if (far == hi.x) { s = ray.x < 0 ? 2 : 3; n = vec3(ray.x < 0 ? 1 : -1, 0, 0); st = p.yz; }
  else { s = 4; n = vec3(0, ray.y < 0 ? 1 : -1, 0); st = p.xz; }
  vec4 k = surf[s * 3], a = surf[s * 3 + 1], b = surf[s * 3 + 2];
  float turn = s == 0 ? a.w : 0.0;
  vec2 rot = vec2(cos(turn) * st.x - sin(turn) * st.y, sin(turn) * st.x + cos(turn) * st.y);
  vec3 col = pattern(int(k.x), rot, k.y, a.rgb, b.rgb, k.z);
  float alpha = 1;
  if (s == 0) {
    if (dirt.x > 0) col *= 1 - dirt.x * smoothstep(0.45, 0.75, fbm(p.xy * dirt.y + 11)) ;
    if (dirt.z > 0) { float m = smoothstep(0.012, 0.0, abs(fbm(p.xy * 0.5 + 31) - 0.5)); col *= 1 - dirt.z * m * 0.4; }
    if (dirt.w > 0 && fbm(p.xy * 0.12 + 5) > 0.55) { // a second ground
      vec4 k2 = surf[3]; col = pattern(int(k2.x), rot * 1.0, k2.y, surf[4].rgb, surf[5].rgb, k2.z); }
    float fres = pow(1 - max(-ray.z, 0.0), 3.0);
    alpha = 1 - reflect_ * (0.35 + 0.65 * fres);
  }
  if (s > 1 && p.z < 0.1) col *= 0.6;
  if (outdoors > 0.5 && (s == 1)) { colour = vec4(skyColour, 1); return; }
  vec3 c = s == 1 ? col * sky * 0.9 : shadeOf(p, n, col, 0.0, ray);
  if (s == 0) for (int i = 0; i < 4; i++) if (lampsAt[i].w > 0) { // lamps mirrored in the floor
    vec3 r = reflect(ray, vec3(0, 0, 1)); float tt = (lampsAt[i].z - p.z) / max(r.z, 1e-3);
    vec2 hit = p.xy + r.xy * tt - lampsAt[i].xy;
    c += lampsAt[i].w * sky * exp(-dot(hit, hit) / (lampSize * (1 + tt * 0.3)));
  }
  if (back.x > 0.5) { // a photograph, as flat as it is
    vec2 at = vec2((uv.x + 1) * 0.5, (1 - uv.y) * 0.5); at = back.y > 0.5 ? vec2(1 - at.x, at.y) : at;
    vec3 ph = texture(photos, vec3(at, back.z)).rgb; float o = s == 0 ? mix(0.62, 1.0, lit(shade1, toShade1, p, soft.x, 0.003)) * mix(1, lit(shade2, toShade2, p + n * 0.03, 0.035, 0.004), 0.6) : 1.0;
    colour = vec4(ph * o, 1); return; }
  colour = vec4(c, alpha);
}
"""
)


DROP = (
    "#version 430\n"
    """
uniform sampler2D before; uniform sampler2D places; uniform sampler2D shade1; uniform sampler2D shade2;
uniform mat4 toShade1; uniform mat4 toShade2; uniform vec3 sun; uniform vec3 sunColour; uniform vec3 sky; uniform vec4 soft;
in vec2 uv; layout(location = 0) out vec4 colour; layout(location = 1) out vec4 place;
float hash(vec2 p) { p = fract(p * vec2(127.1, 311.7)); p += dot(p, p + 34.53); return fract(p.x * p.y * 17.3); }
float lit(sampler2D map, mat4 m, vec3 p, float radius, float bias) {
  vec3 c = (m * vec4(p, 1)).xyz * 0.5 + 0.5;
  if (any(lessThan(c.xy, vec2(0.045))) || any(greaterThan(c.xy, vec2(0.955)))) return 1;
  float a = hash(gl_FragCoord.xy * 0.37) * 6.283, sum = 0;
  for (int i = 0; i < 4; i++) {
    float r = radius * sqrt((i + 0.5) / 4.0); a += 2.4;
    sum += texelFetch(map, ivec2((c.xy + r * vec2(cos(a), sin(a))) * 768), 0).r + bias > c.z ? 1.0 : 0.0;
  }
  return sum / 4.0;
}
void main() {
  ivec2 at = ivec2(gl_FragCoord.xy);
  vec4 was = texelFetch(before, at, 0); vec3 p = texelFetch(places, at, 0).xyz;
  float s = dot(sunColour, vec3(1)) > 0.15 ? lit(shade1, toShade1, p + vec3(0, 0, 0.01), soft.x, 0.002) : 1.0;
  float o = mix(1, lit(shade2, toShade2, p + vec3(0, 0, 0.02), 0.035, 0.003), soft.y);
  vec3 whole = sky + sunColour * sun.z;
  colour = vec4(was.rgb * (sky * o + sunColour * sun.z * s) / whole, was.a);
  place = vec4(0, 0, 0, 1);
}
"""
)
RESTORE = (
    "#version 430\n"
    """
uniform sampler2D depths; in vec2 uv;
void main() { gl_FragDepth = texelFetch(depths, ivec2(gl_FragCoord.xy), 0).r; }
"""
)


class Batch:
    """Triangles on the card (or what stands for one)."""

    def __init__(self, ctx: moderngl.Context, soup: Soup) -> None:
        """Upload."""
        self.empty = not soup.vertices
        if self.empty:
            return
        self.vbo = ctx.buffer(np.concatenate(soup.vertices).tobytes())
        self.ibo = ctx.buffer(np.concatenate(soup.faces).tobytes())
        self.ranges = soup.ranges()
        self.vaos: dict[int, moderngl.VertexArray] = {}
        self.ctx = ctx

    def draw(self, program: moderngl.Program, *, of: tuple[int, int] | None = None) -> None:
        """Draw all objects, or one range of indices."""
        if self.empty:
            return
        key = program.glo
        if key not in self.vaos:
            names = ("pos", "nrm", "tex", "info")
            spec = " ".join("3f" if name in program else "3x4" for name in names)
            used = [name for name in names if name in program]
            self.vaos[key] = self.ctx.vertex_array(program, [(self.vbo, spec, *used)], self.ibo)
        if of is None:
            self.vaos[key].render()
        else:
            self.vaos[key].render(first=of[0], vertices=of[1])

    def release(self) -> None:
        """Give the memory back."""
        if not self.empty:
            for vao in self.vaos.values():
                vao.release()
            self.vbo.release()
            self.ibo.release()


class Renderer:
    """One OpenGL context and its programs."""

    def __init__(self, photos: NDArray[np.uint8]) -> None:
        """Compile; `photos` (N, PHOTO, PHOTO, 3) RGB are textures to use."""
        self.ctx = ctx = moderngl.create_context(standalone=True, backend="egl")
        ctx.enable_direct(0x3000)  # GL_CLIP_DISTANCE0
        ctx.enable_direct(0x3001)
        self.main = ctx.program(vertex_shader=VERTEX, fragment_shader=FRAGMENT)
        self.flat = ctx.program(vertex_shader=VERTEX, fragment_shader=FLAT)
        self.depth = ctx.program(
            vertex_shader=DEPTH_VERTEX, fragment_shader="#version 430\nvoid main() {}"
        )
        self.room = ctx.program(vertex_shader=ROOM_VERTEX, fragment_shader=ROOM)
        self.drop = ctx.program(vertex_shader=ROOM_VERTEX, fragment_shader=DROP)
        self.restore = ctx.program(vertex_shader=ROOM_VERTEX, fragment_shader=RESTORE)
        quad = ctx.buffer(np.array([-1, -1, 3, -1, -1, 3], np.float32).tobytes())
        self.quad, self.drop_quad, self.restore_quad = (
            ctx.vertex_array(program, [(quad, "2f", "at")])
            for program in (self.room, self.drop, self.restore)
        )
        self.photos = ctx.texture_array((PHOTO, PHOTO, len(photos)), 3, photos.tobytes())
        self.photos.build_mipmaps()
        self.photos.use(3)
        self.shades = [ctx.depth_texture((SHADOW, SHADOW)) for _ in range(2)]
        for texture in self.shades:
            texture.compare_func = ""
            texture.filter = (moderngl.NEAREST, moderngl.NEAREST)
        self.shade_frames = [ctx.framebuffer(depth_attachment=t) for t in self.shades]
        self.rows = ctx.texture((ROW, 1024), 4, dtype="f4")
        self.rows.filter = (moderngl.NEAREST, moderngl.NEAREST)
        self.frames: dict[tuple[int, int, str], moderngl.Framebuffer] = {}

    def batch(self, soup: Soup) -> Batch:
        """Upload triangles."""
        return Batch(self.ctx, soup)

    def _frame(self, size: tuple[int, int], *, use: str) -> moderngl.Framebuffer:
        key = (*size, use)
        if key not in self.frames:
            colours = [self.ctx.texture(size, 4, dtype="f1" if use == "flat" else "f2")]
            if use != "flat":
                colours.append(self.ctx.texture(size, 4, dtype="f4" if use == "still" else "f2"))
            for texture in colours:
                texture.filter = (moderngl.NEAREST, moderngl.NEAREST)
            depth = self.ctx.depth_texture(size)
            depth.compare_func = ""
            depth.filter = (moderngl.NEAREST, moderngl.NEAREST)
            self.frames[key] = self.ctx.framebuffer(colours, depth)
        return self.frames[key]

    def _set(self, program: moderngl.Program, **values: object) -> None:
        for name, value in values.items():
            if name in program:
                member = program[name]
                if isinstance(value, np.ndarray):
                    member.write(np.ascontiguousarray(value, np.float32).tobytes())
                else:
                    member.value = value

    def _aim(self, program: moderngl.Program, camera: Camera) -> None:
        middle = (
            camera.width_px / 2 + camera.shift_px[0],
            camera.height_px / 2 + camera.shift_px[1],
        )
        self._set(
            program,
            eye=tuple(camera.place),
            axes=camera.axes().T,
            lens=(camera.focal_px, camera.k1, camera.distort_limit(), 120.0),
            frame=(float(camera.width_px), float(camera.height_px), *middle),
            fisheye=int(camera.kind == "fisheye"),
            tile=(1.0, 1.0, 0.0, 0.0),
            mirror=1.0,
        )

    def load_rows(self, rows: list[NDArray[np.float32]]) -> None:
        """Upload the objects' data."""
        table = np.zeros((1024, ROW, 4), np.float32)
        table[: len(rows)] = np.stack(rows)
        self.rows.write(table.tobytes())

    def still(
        self,
        batch: Batch,
        *,
        camera: Camera,
        light: Light,
        room: Room,
        factor: float,
        around: tuple[float, float, float],
    ) -> NDArray[np.float32]:
        """Draw a place without people, and keep it for `moving`.

        Args:
            batch: furniture; its rows must be loaded.
            camera: where from.
            light: under what.
            room: inside what.
            factor: how many pixels for one of the camera's.
            around: middle (x, y) and half side of what casts shadows, in metres.

        Returns:
            Linear light (H, W, 3).
        """
        ctx = self.ctx
        ctx.disable(moderngl.BLEND)
        self._shadows(batch, light=light, around=around)
        size = (round(camera.width_px * factor), round(camera.height_px * factor))
        frame = self._frame(size, use="still")
        frame.use()
        frame.clear(0, 0, 0, 1)
        self._under(camera, light=light, around=around)
        self._set(self.main, naming=0)
        if room.reflect > 0:
            self._solid(batch, frame=frame, camera=camera, mirror=-1.0)
        surf = np.zeros((15, 4), np.float32)
        for index, face in enumerate(room.surfaces):
            surf[index * 3] = (face.pattern, face.scale, face.seed, 0)
            surf[index * 3 + 1] = (*face.a, face.turned)
            surf[index * 3 + 2] = (*face.b, 0)
        self._set(
            self.room, roomLow=room.low, roomHigh=room.high, surf=surf, reflect_=room.reflect,
            skyColour=room.sky, outdoors=float(room.outdoors), dirt=room.dirt, lampSize=room.lamp_size,
            back=(*room.back, 0.0),
        )  # fmt: skip
        ctx.enable(moderngl.BLEND)
        ctx.blend_func = (
            moderngl.SRC_ALPHA, moderngl.ONE_MINUS_SRC_ALPHA, moderngl.ONE, moderngl.ZERO
        )  # fmt: skip
        ctx.disable(moderngl.DEPTH_TEST)
        self.quad.render()
        ctx.enable(moderngl.DEPTH_TEST)
        ctx.disable(moderngl.BLEND)
        self._solid(batch, frame=frame, camera=camera, mirror=1.0)
        return _light_of(frame, size)

    def moving(
        self,
        batch: Batch,
        *,
        camera: Camera,
        light: Light,
        room: Room,
        factor: float,
        around: tuple[float, float, float],
    ) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.bool_]]:
        """Draw people into the place that `still` drew last (same arguments).

        Returns:
            Linear light (H, W, 3); whose each pixel is (H, W), 0 nobody's; which show a head.
        """
        ctx = self.ctx
        ctx.disable(moderngl.BLEND)
        mats = self._shadows(batch, light=light, around=around)
        size = (round(camera.width_px * factor), round(camera.height_px * factor))
        before, frame = self._frame(size, use="still"), self._frame(size, use="moving")
        frame.use()
        frame.clear(0, 0, 0, 1)
        self._under(camera, light=light, around=around)
        for slot, texture in enumerate((*before.color_attachments, before.depth_attachment)):
            texture.use(4 + slot)
        self._set(
            self.drop, before=4, places=5, shade1=0, shade2=1, toShade1=mats[0].T, toShade2=mats[1].T,
            sun=tuple(_unit(light.sun)), sunColour=light.sun_colour, sky=light.sky, soft=light.soft,
        )  # fmt: skip
        ctx.disable(moderngl.DEPTH_TEST)
        self.drop_quad.render()
        ctx.enable(moderngl.DEPTH_TEST)
        self._set(self.main, naming=1)
        if room.reflect > 0:
            ctx.enable(moderngl.BLEND)
            ctx.blend_func = (
                moderngl.ONE_MINUS_DST_ALPHA, moderngl.DST_ALPHA, moderngl.ZERO, moderngl.ONE
            )  # fmt: skip
            self._solid(batch, frame=frame, camera=camera, mirror=-1.0)
            ctx.disable(moderngl.BLEND)
        self._set(self.restore, depths=6)
        frame.color_mask = [(False,) * 4, (False,) * 4]
        ctx.depth_func = "1"
        self.restore_quad.render()
        ctx.depth_func = "<"
        frame.color_mask = [(True,) * 4, (True,) * 4]
        self._solid(batch, frame=frame, camera=camera, mirror=1.0)
        names = np.frombuffer(frame.read(components=2, attachment=1, dtype="f2"), np.float16)
        names = names.reshape(size[1], size[0], 2)[::-1]
        return _light_of(frame, size), names[..., 0].astype(np.int64), names[..., 1] > 0.5

    def _solid(
        self, batch: Batch, *, frame: moderngl.Framebuffer, camera: Camera, mirror: float
    ) -> None:
        """Draw depth first, so that each pixel is shaded but once."""
        none, every = (False,) * 4, (True,) * 4
        frame.color_mask = [none, none]
        self._aim(self.flat, camera)
        self._set(self.flat, rows=2, mirror=mirror)
        batch.draw(self.flat)
        frame.color_mask = [every, every]
        self.ctx.depth_func = "<="
        frame.depth_mask = False
        self._set(self.main, mirror=mirror)
        batch.draw(self.main)
        frame.depth_mask = True
        self.ctx.depth_func = "<"

    def _shadows(
        self, batch: Batch, *, light: Light, around: tuple[float, float, float]
    ) -> list[Array]:
        mats = [_ortho(light.sun, around), _ortho(DOWN, around)]
        self.ctx.enable(moderngl.DEPTH_TEST)
        for frame, mat in zip(self.shade_frames, mats, strict=True):
            frame.use()
            frame.clear(depth=1.0)
            self._set(self.depth, m=mat.T)
            batch.draw(self.depth)
        return mats

    def _under(self, camera: Camera, *, light: Light, around: tuple[float, float, float]) -> None:
        mats = [_ortho(light.sun, around), _ortho(DOWN, around)]
        for slot, texture in enumerate((*self.shades, self.rows, self.photos)):
            texture.use(slot)
        lamps = np.zeros((4, 4), np.float32)
        for index, lamp in enumerate(light.lamps[:4]):
            lamps[index] = lamp
        for program in (self.main, self.room):
            self._aim(program, camera)
            self._set(
                program, shade1=0, shade2=1, rows=2, photos=3, toShade1=mats[0].T, toShade2=mats[1].T,
                sun=tuple(_unit(light.sun)), sunColour=light.sun_colour, sky=light.sky,
                ground=light.ground, fill=light.fill, soft=light.soft, lampsAt=lamps,
            )  # fmt: skip

    def alone(
        self, batch: Batch, *, camera: Camera, boxes: Array, objects: list[list[int]]
    ) -> list[tuple[float, float, float]]:
        """Measure each person as if nobody else was there.

        Args:
            batch: holds the people.
            camera: where from.
            boxes: (N, 4) left, top, right, bottom in pixels.
            objects: of each person, the numbers of its objects in the batch.

        Returns:
            Areas in square pixels: silhouette, its part inside the picture, head.
        """
        out: list[tuple[float, float, float]] = []
        side = TILE * TILES
        frame = self._frame((side, side), use="flat")
        self.rows.use(2)
        self._aim(self.flat, camera)
        self._set(self.flat, rows=2)
        for first in range(0, len(boxes), TILES * TILES):
            frame.use()
            frame.clear(0, 0, 0, 0)
            chunk = boxes[first : first + TILES * TILES]
            for index, box in enumerate(chunk):
                column, line = index % TILES, index // TILES
                frame.viewport = (column * TILE, line * TILE, TILE, TILE)
                wide, high = box[2] - box[0], box[3] - box[1]
                sx, sy = camera.width_px / wide, camera.height_px / high
                middle = (
                    (box[0] + box[2]) / camera.width_px - 1,
                    1 - (box[1] + box[3]) / camera.height_px,
                )
                self._set(self.flat, tile=(sx, sy, -middle[0] * sx, -middle[1] * sy))
                for item in objects[first + index]:
                    batch.draw(self.flat, of=batch.ranges[item])
            frame.viewport = (0, 0, side, side)
            data = np.frombuffer(frame.read(components=4), np.uint8).reshape(side, side, 4)
            for index, box in enumerate(chunk):
                column, line = index % TILES, index // TILES
                tile = data[line * TILE : (line + 1) * TILE, column * TILE : (column + 1) * TILE][
                    ::-1
                ]
                body, head = (tile[..., 0] > 0) | (tile[..., 1] > 0), tile[..., 2] > 0
                wide, high = box[2] - box[0], box[3] - box[1]
                x = box[0] + (np.arange(TILE) + 0.5) / TILE * wide
                y = box[1] + (np.arange(TILE) + 0.5) / TILE * high
                inside = ((x > 0) & (x < camera.width_px))[None] & (
                    (y > 0) & (y < camera.height_px)
                )[:, None]
                cell = wide * high / TILE**2
                out.append(
                    (body.sum() * cell, (body & inside).sum() * cell, (body & head).sum() * cell)
                )
        return out


def _light_of(frame: moderngl.Framebuffer, size: tuple[int, int]) -> NDArray[np.float32]:
    data = np.frombuffer(frame.read(components=3, dtype="f2"), np.float16)
    return data.reshape(size[1], size[0], 3)[::-1].astype(np.float32)


def _unit(v: tuple[float, float, float]) -> Array:
    a = np.array(v, float)
    return np.asarray(a / np.linalg.norm(a))


def _ortho(light: tuple[float, float, float], around: tuple[float, float, float]) -> Array:
    z = _unit(light)
    x = np.cross([0.0, 1.0, 0.0] if abs(z[1]) < 0.9 else [1.0, 0.0, 0.0], z)
    x /= np.linalg.norm(x)
    y = np.cross(z, x)
    half, deep = around[2], 40.0
    turn = np.stack([x, y, -z])
    middle = turn @ np.array([around[0], around[1], 0.0])
    m = np.eye(4)
    m[:3, :3] = turn / np.array([half, half, deep])[:, None]
    m[:3, 3] = -middle / np.array([half, half, deep])
    return m
