/** Where a page that is one file begins: the engine answers in place of the service, then the page starts as ever. */

import { preferences } from "../preferences.js";
import { answerWith } from "../state/api.js";
import { toHash } from "../state/link.js";
import { INITIAL } from "../state/store.js";
import { engineAnswers } from "./answers.js";

async function begin() {
  const { unpack, program } = self.convscope;
  const contents = JSON.parse(new TextDecoder().decode(await unpack("contents")));
  answerWith(await engineAnswers(contents, unpack, program));
  if (!location.hash && contents.first !== null) {
    const source = { kind: "example", id: contents.first };
    history.replaceState(null, "", `#${toHash({ ...INITIAL, ...preferences(), source })}`);
  }
  await import("../app.js");
}

begin();
