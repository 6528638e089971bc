// The states of the profiles, kept as they are on the hub.
const home = document.querySelector(".slipway-home");
const sections = [...home.querySelectorAll("[data-profile]")];
const words = {{ words | tojson }};
// Milliseconds.
const SOON = 1000;
const LATER = 10000;
let timer;

// Not `disabled`, which would take the focus away.
function setBusy(button, busy) {
  button.ariaDisabled = busy || null;
  button.classList.toggle("disabled", busy);
}

function tell(section, text) {
  section.querySelector(".slipway-state").textContent = text;
  say(`${section.dataset.title}: ${text}`);
}

function show(section, state) {
  const before = section.dataset.state;
  if (state === before) return;
  const failed = before === "starting" && state === "stopped";
  const text = failed ? "Did not start" : words[state];
  const stop = section.querySelector(".slipway-stop button");
  const focused = document.activeElement === stop;
  section.dataset.state = state;
  setBusy(stop, false);
  // The button is gone: go on where its profile begins, not at the top of the page.
  if (focused && state !== "running") section.querySelector(".slipway-card a").focus();
  tell(section, text);
}

async function refresh() {
  clearTimeout(timer);
  if (document.hidden) return;
  let wait = LATER;
  try {
    const answer = await fetch(home.dataset.states, { headers: { "X-XSRFToken": jhdata.xsrf_token } });
    if (answer.status === 403) return (home.querySelector("#slipway-logged-out").hidden = false);
    if (answer.ok) {
      const states = await answer.json();
      for (const section of sections) show(section, states[section.dataset.profile] ?? "stopped");
      if (sections.some(({ dataset }) => ["starting", "stopping"].includes(dataset.state))) wait = SOON;
    }
  } catch {
    // A hub that restarts answers again soon; what is on the page was true a moment ago.
  }
  // Of several that were under way at the same time, one goes on.
  clearTimeout(timer);
  timer = setTimeout(refresh, wait);
}

for (const section of sections) {
  section.querySelector(".slipway-stop").addEventListener("submit", async (event) => {
    event.preventDefault();
    const form = event.target;
    const button = form.querySelector("button");
    if (button.ariaDisabled) return;
    setBusy(button, true);
    const body = new URLSearchParams(new FormData(form));
    const stopping = fetch(form.action, { method: "POST", body, redirect: "manual" });
    setTimeout(refresh, 200);
    try {
      // A redirect home is the hub's yes; anything else is a page that says why not.
      if ((await stopping).type !== "opaqueredirect") throw new Error("refused");
    } catch {
      setBusy(button, false);
      tell(section, "Could not be stopped");
    }
    refresh();
  });
}

addEventListener("pageshow", refresh);
document.addEventListener("visibilitychange", refresh);
