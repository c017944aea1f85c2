new EventSource("status/events").onmessage = event => { document.getElementById("status").textContent = event.data; };
