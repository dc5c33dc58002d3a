'use strict';
// The pages work without this. It shows what changes while one looks, and how much of a file is sent.
{
  const main = document.querySelector('main');
  const pageOf = (text) => new DOMParser().parseFromString(text, 'text/html');

  const refresh = async () => {
    const isBusy = main.contains(document.activeElement) || String(getSelection());
    if (!document.hidden && !isBusy) {
      try {
        const answer = await fetch(location.href, { headers: { Accept: 'text/html' } });
        const fresh = pageOf(await answer.text()).querySelector('main');
        if (answer.ok && fresh && !main.contains(document.activeElement) && fresh.innerHTML !== main.innerHTML) {
          main.replaceChildren(...fresh.childNodes);
        }
      } catch {
        // the server is away; the next look tells
      }
    }
    setTimeout(refresh, 3000);
  };
  if (main.dataset.live === 'true') {
    setTimeout(refresh, 3000);
  }

  const form = document.getElementById('send');
  form?.addEventListener('submit', (event) => {
    event.preventDefault();
    const file = form.elements.file.files[0];
    const progress = form.querySelector('progress');
    const result = document.getElementById('result');
    const buttons = form.querySelectorAll('button');
    const done = () => {
      progress.hidden = true;
      buttons.forEach((button) => { button.disabled = false; });
    };
    const request = new XMLHttpRequest();
    request.upload.onprogress = (sent) => { progress.value = (100 * sent.loaded) / sent.total; };
    request.onload = () => {
      done();
      if (request.status < 400 && request.responseURL.includes('/desk/files/')) {
        location.href = request.responseURL;
      } else {
        const answer = pageOf(request.responseText);
        result.replaceChildren(...answer.querySelectorAll('.result'));
        result.querySelectorAll('.noscript').forEach((hint) => hint.remove());
      }
    };
    request.onerror = () => {
      done();
      result.textContent = 'The connection broke. Look under Files whether the file has arrived; if not, send it again.';
    };
    result.textContent = '';
    progress.hidden = false;
    buttons.forEach((button) => { button.disabled = true; });
    const action = event.submitter?.hasAttribute('formaction') ? event.submitter.formAction : form.action;
    request.open('POST', `${action}&fileName=${encodeURIComponent(file.name)}`);
    request.setRequestHeader('Content-Type', 'text/csv');
    request.send(file);
  });
}
