// Reads {secret, headers, body} from the standard input; says the payload where the signature is good.
const { Webhook } = require("standardwebhooks");

const told = JSON.parse(require("fs").readFileSync(0, "utf8"));
console.log(JSON.stringify(new Webhook(told.secret).verify(told.body, told.headers)));
