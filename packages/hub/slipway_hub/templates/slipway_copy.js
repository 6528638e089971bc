// Buttons that copy a link. They appear here, because without a script they would do nothing.
function say(text) {
  document.getElementById("slipway-said").textContent = text;
}

async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  // Over plain HTTP browsers offer nothing but this.
  const field = document.createElement("textarea");
  field.value = text;
  document.body.append(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  if (!done) throw new Error("refused");
}

for (const button of document.querySelectorAll("[data-copy]")) {
  const words = button.textContent;
  button.hidden = false;
  button.addEventListener("click", async () => {
    const link = new URL(button.dataset.copy, location.href).href;
    try {
      await copy(link);
      button.textContent = "Copied";
      say(`Link to ${button.dataset.title} copied`);
    } catch {
      say(`Your browser does not let this page copy. The link is ${link}`);
      window.prompt("Copy this link:", link);
    }
    button.focus();
    setTimeout(() => (button.textContent = words), 2000);
  });
}
