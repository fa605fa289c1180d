// Questions to the agent's own server; nothing else is ever asked.

export class Refused extends Error {
  constructor(status, text) {
    super(text);
    this.status = status;
  }
}

async function answered(request) {
  let response;
  try {
    response = await request;
  } catch {
    throw new Refused(0, "The setup program does not answer. Is it still running in the terminal?");
  }
  if (response.ok) return response;
  let text = `${response.status} ${response.statusText}`;
  try {
    text = (await response.json()).error ?? text;
  } catch { /* no JSON: the status says it */ }
  throw new Refused(response.status, text);
}

export async function look(path) {
  return (await answered(fetch(path, { cache: "no-store" }))).json();
}

export async function picture(path) {
  return URL.createObjectURL(await (await answered(fetch(path, { cache: "no-store" }))).blob());
}

function posted(path, body) {
  return answered(fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  }));
}

export async function tell(path, body) {
  return (await posted(path, body)).json();
}

export async function drawn(path, body) {
  return URL.createObjectURL(await (await posted(path, body)).blob());
}
