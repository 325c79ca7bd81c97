globalThis.tidewireWords = {
  "%(count)s follower": [
    "%(count)s Follower",
    "%(count)s Follower"
  ],
  "%(count)s more notification at once": [
    "%(count)s weitere Benachrichtigung auf einmal",
    "%(count)s weitere Benachrichtigungen auf einmal"
  ],
  "%(count)s new comment": [
    "%(count)s neuer Kommentar",
    "%(count)s neue Kommentare"
  ],
  "%(count)s new entry": [
    "%(count)s neuer Beitrag",
    "%(count)s neue Beiträge"
  ],
  "%(count)s new notification": [
    "%(count)s neue Benachrichtigung",
    "%(count)s neue Benachrichtigungen"
  ],
  "Ask to follow": "Anfragen, zu folgen",
  "Asked: take it back": "Angefragt: zurücknehmen",
  "Catching up: %(count)s so far…": [
    "Wird nachgeholt: %(count)s bisher…",
    "Wird nachgeholt: %(count)s bisher…"
  ],
  "Catching up…": "Wird nachgeholt…",
  "Close": "Schließen",
  "Follow": "Folgen",
  "Following": "Gefolgt",
  "Go to the front page": "Zur Startseite",
  "Hidden from your lists.": "Aus deinen Listen ausgeblendet.",
  "Live again. Nothing is missing.": "Wieder live. Nichts fehlt.",
  "Older posts are coming…": "Ältere Beiträge kommen…",
  "Reload": "Neu laden",
  "Show it": "Zeigen",
  "Sign in": "Anmelden",
  "That did not work. Please try again.": "Das hat nicht geklappt. Bitte versuch es noch einmal.",
  "The connection is lost; showing saved entries. Trying again…": "Die Verbindung ist unterbrochen; zu sehen sind gespeicherte Beiträge. Es wird wieder versucht…",
  "The server cannot be reached. Nothing is lost; please try again.": "Der Server ist nicht zu erreichen. Nichts ist verloren; bitte versuch es noch einmal.",
  "This browser does not allow it.": "Dieser Browser erlaubt es nicht.",
  "This device tells you from now on.": "Dieses Gerät gibt dir ab jetzt Bescheid.",
  "This entry was deleted.": "Dieser Beitrag wurde gelöscht.",
  "This is not there any more, or you may no longer read it.": "Das ist nicht mehr da, oder du darfst es nicht mehr lesen.",
  "This page is out of date.": "Diese Seite ist veraltet.",
  "You are offline; showing saved entries. The page goes on when you are back.": "Du bist offline; zu sehen sind gespeicherte Beiträge. Die Seite macht weiter, wenn du zurück bist.",
  "You are signed out.": "Du bist abgemeldet.",
  "You are signed out. Sign in, and do it again.": "Du bist abgemeldet. Melde dich an und tu es noch einmal.",
  "You follow more now.": "Du folgst jetzt mehr Feeds.",
  "You may no longer read all of this page.": "Du darfst nicht mehr alles auf dieser Seite lesen.",
  "arrived after %(count)s ms": "nach %(count)s ms angekommen",
  "just now": "gerade eben",
  "now": "jetzt",
  "unfollow": "nicht mehr folgen",
  "within a minute": "in weniger als einer Minute"
};
