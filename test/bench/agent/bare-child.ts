// A server of Node.js that answers every request with one text; the arguments are the text, and a port or the path of a socket.
import { createServer } from "node:http";

const [, , text = "", place = ""] = process.argv;
const server = createServer((_, response) => {
  response.writeHead(200, { "content-type": "application/json", "content-length": text.length }).end(text);
});
if (place.startsWith("/")) server.listen(place);
else server.listen(Number(place), "127.0.0.1");
