# Ce que lit une personne orientée, en anglais : la page où elle dit si elle a eu de l'aide (/c/ et son code), ce qui est gardé avec
# son code, et le papier qu'on lui donne. Phrases courtes, mots de tous les jours, sans genre quand c'est simple. Les mêmes clés,
# dans le même ordre, dans chaque langue.
# Le papier porte chaque phrase en français, puis dans cette langue.

language-name = English
direction = ltr

# La page « Avez-vous eu de l'aide ? ».
helped-title = Did you get help?
helped-intro = Someone told you where to go for some paperwork. Tell us how it went. We do not ask for your name or your phone number.
helped-resolved = Yes, it is sorted out
helped-partially = In part
helped-unresolved = No, not yet
helped-not-needed = I no longer need it
helped-thanks-title = Thank you
helped-thanks = Your answer is saved. It helps us send other people to the right place.
helped-change = You can change your mind: just answer again.
helped-why = Why? (if you want to say)
why-cannot-travel = I could not get there
why-missing-documents = I did not have a document I needed
why-temporarily-closed = It was closed
why-moved-or-closed = This place no longer exists, or it has moved
why-wrong-service = It was not the right place
why-no-capacity = They were full
why-appointment-only = I needed an appointment
why-digital-or-language-barrier = It was too difficult because of the language or the internet
why-other = Another reason
helped-what-next = You can go back to the person who gave you this paper, with your code. They can tell you about another place.
# $answer : l'une des réponses ci-dessus, dans la même langue.
helped-already = You have already answered: { $answer }

# La page où l'on tape son code.
code-title = Your code
code-label = The code written on your paper
code-hint = 10 letters and numbers
code-go = Continue
code-unknown-title = We do not know this code
code-unknown = Check the code on your paper: 10 letters and numbers. If it still does not work, ask the person who gave it to you.
code-too-many-title = Too many tries
code-too-many = Too many wrong codes were tried on this internet connection. Try again in one hour.

# Ce qui est gardé avec un code.
your-data = Your data
your-data-intro = This is what we keep with this code. It does not include your name or your address.
your-data-download = Download what is kept
your-data-erase = Delete everything
your-data-erase-sure = Everything linked to this code will be deleted, for ever. The code will stop working.
your-data-erase-confirm = Yes, delete everything
your-data-erased-title = It is deleted
your-data-erased = Nothing is kept with this code any more.
back = Back
privacy-link = Your rights and your data

# Le papier : où aller. Les noms de démarches, de lieux et de communes y sont en français dans toutes les langues : aucune phrase
# ne les accorde ni ne les décline, et deux points les précèdent quand la langue l'aurait demandé.
slip-title = Where to go
slip-for = For: { $procedure }
slip-address = Address
slip-directions = How to get there
# $distance : « 1,2 km ». $direction : l'un des huit points cardinaux qui suivent, écrits pour cette phrase.
slip-directions-from = { $distance } in a straight line from { $place }, towards { $direction }
slip-directions-in = Town or village: { $commune }
compass-n = the north
compass-ne = the north-east
compass-e = the east
compass-se = the south-east
compass-s = the south
compass-sw = the south-west
compass-w = the west
compass-nw = the north-west

# Le papier : quand y aller.
slip-hours = Opening hours
slip-hours-unknown = We do not know the opening hours. Phone before you go.
slip-hours-vary = The opening hours are not always the same. Phone before you go.
slip-hours-closed = closed
# $days : un jour, deux jours joints par slip-and, ou slip-hours-range. $times : slip-hours-span, ou deux joints par slip-and, ou
# slip-hours-closed.
slip-hours-days = { $days }: { $times }
slip-hours-span = { $from } to { $to }
slip-hours-range = { $first } to { $last }
slip-hours-always = Open every day, day and night
# Joint deux mots ; les espaces autour ne sont pas ici. En arabe, il se colle au mot qui suit.
slip-and = and
weekday-1 = Monday
weekday-2 = Tuesday
weekday-3 = Wednesday
weekday-4 = Thursday
weekday-5 = Friday
weekday-6 = Saturday
weekday-7 = Sunday
slip-by-appointment = By appointment: phone first
slip-drop-in = No appointment needed

# Le papier : joindre le lieu, et ce qu'il faut y apporter et y dire.
slip-phone = Phone
slip-website = Website
slip-bring = What to bring
slip-bring-nothing = You do not need to bring anything special. Bring this paper.
slip-say = What you can show or say when you arrive
slip-say-sentence = Hello. I was told to come here for: { $procedure }. This is my code: { $code }.
slip-say-sentence-discreet = Hello. I was told to come here. This is my code: { $code }.

# Le papier : le code, et ce qui le suit.
slip-code = Your code
slip-scan = Afterwards, tell us if you got help: scan this square with your phone, or go to { $address }
slip-keep = Keep this paper. Show the code at the other places you go to.
slip-free = It is free. You do not need to create an account.
slip-privacy = Your name is not recorded. Your rights: { $address }

# Le papier, quand il n'envoie pas vers un lieu, ou ne doit pas le nommer.
slip-hotline = Call this number
slip-institution = Contact this organisation
slip-told = You were told in person where to go. It is not written here.

# Le papier : la partie que garde la personne qui oriente.
slip-stub = Stub to be kept by the person who gives this paper
