# Ce que lit une personne orientée, en français : la page où elle dit si elle a eu de l'aide (/c/ et son code), ce qui est gardé avec
# son code, et le papier qu'on lui donne. Phrases courtes, mots de tous les jours, sans genre quand c'est simple. Les mêmes clés,
# dans le même ordre, dans chaque langue.

language-name = Français
direction = ltr

# La page « Avez-vous eu de l'aide ? ».
helped-title = Avez-vous eu de l'aide ?
helped-intro = Quelqu'un vous a indiqué où aller pour une démarche. Dites-nous comment cela s'est passé. Nous ne demandons ni votre nom, ni votre téléphone.
helped-resolved = Oui, c'est réglé
helped-partially = En partie
helped-unresolved = Non, pas encore
helped-not-needed = Je n'en ai plus besoin
helped-thanks-title = Merci
helped-thanks = Votre réponse est enregistrée. Elle aide à mieux orienter les personnes suivantes.
helped-change = Vous pouvez changer d'avis : répondez à nouveau.
helped-why = Pourquoi ? (si vous voulez le dire)
why-cannot-travel = Je n'ai pas pu y aller
why-missing-documents = Il me manquait un document
why-temporarily-closed = C'était fermé
why-moved-or-closed = Ce lieu n'existe plus, ou il a déménagé
why-wrong-service = Ce n'était pas le bon endroit
why-no-capacity = Il n'y avait plus de place
why-appointment-only = Il fallait un rendez-vous
why-digital-or-language-barrier = C'était trop difficile à cause de la langue ou d'internet
why-other = Autre raison
helped-what-next = Vous pouvez retourner voir la personne qui vous a donné ce papier, avec votre code. Elle peut vous indiquer un autre lieu.
# $answer : l'une des réponses ci-dessus, dans la même langue.
helped-already = Vous avez déjà répondu : { $answer }

# La page où l'on tape son code.
code-title = Votre code
code-label = Le code écrit sur votre papier
code-hint = 10 lettres et chiffres
code-go = Continuer
code-unknown-title = Ce code n'est pas reconnu
code-unknown = Vérifiez le code sur votre papier : 10 lettres et chiffres. Si le problème continue, demandez à la personne qui vous l'a donné.
code-too-many-title = Trop d'essais
code-too-many = Trop de codes faux ont été essayés avec cette connexion internet. Réessayez dans une heure.

# Ce qui est gardé avec un code.
your-data = Vos données
your-data-intro = Voici ce que nous gardons avec ce code. Il n'y a ni votre nom, ni votre adresse.
your-data-download = Télécharger ce qui est gardé
your-data-erase = Tout effacer
your-data-erase-sure = Tout ce qui est lié à ce code sera effacé, pour toujours. Le code ne marchera plus.
your-data-erase-confirm = Oui, tout effacer
your-data-erased-title = C'est effacé
your-data-erased = Plus rien n'est gardé avec ce code.
back = Retour
privacy-link = Vos droits et vos données

# Le papier : où aller. Les noms de démarches, de lieux et de communes y sont en français dans toutes les langues : aucune phrase
# ne les accorde ni ne les décline, et deux points les précèdent quand la langue l'aurait demandé.
slip-title = Où aller
slip-for = Pour : { $procedure }
slip-address = Adresse
slip-directions = Comment y aller
# $distance : « 1,2 km ». $direction : l'un des huit points cardinaux qui suivent, écrits pour cette phrase.
slip-directions-from = À { $distance } en ligne droite depuis { $place }, vers { $direction }
slip-directions-in = Commune : { $commune }
compass-n = le nord
compass-ne = le nord-est
compass-e = l'est
compass-se = le sud-est
compass-s = le sud
compass-sw = le sud-ouest
compass-w = l'ouest
compass-nw = le nord-ouest

# Le papier : quand y aller.
slip-hours = Horaires
slip-hours-unknown = Horaires inconnus. Téléphonez avant d'y aller.
slip-hours-vary = Les horaires ne sont pas toujours les mêmes. Téléphonez avant d'y aller.
slip-hours-closed = fermé
# $days : un jour, deux jours joints par slip-and, ou slip-hours-range. $times : slip-hours-span, ou deux joints par slip-and, ou
# slip-hours-closed.
slip-hours-days = { $days } : { $times }
slip-hours-span = de { $from } à { $to }
slip-hours-range = du { $first } au { $last }
slip-hours-always = Ouvert tous les jours, jour et nuit
# Joint deux mots ; les espaces autour ne sont pas ici. En arabe, il se colle au mot qui suit.
slip-and = et
weekday-1 = lundi
weekday-2 = mardi
weekday-3 = mercredi
weekday-4 = jeudi
weekday-5 = vendredi
weekday-6 = samedi
weekday-7 = dimanche
slip-by-appointment = Sur rendez-vous : téléphonez d'abord
slip-drop-in = Sans rendez-vous

# Le papier : joindre le lieu, et ce qu'il faut y apporter et y dire.
slip-phone = Téléphone
slip-website = Site internet
slip-bring = À apporter
slip-bring-nothing = Rien de particulier n'est demandé. Apportez ce papier.
slip-say = Ce que vous pouvez montrer ou dire à l'accueil
slip-say-sentence = Bonjour. On m'a dit de venir ici pour : { $procedure }. Voici mon code : { $code }.
slip-say-sentence-discreet = Bonjour. On m'a dit de venir ici. Voici mon code : { $code }.

# Le papier : le code, et ce qui le suit.
slip-code = Votre code
slip-scan = Ensuite, dites-nous si vous avez eu de l'aide : scannez ce carré avec votre téléphone, ou allez sur { $address }
slip-keep = Gardez ce papier. Montrez le code dans les autres lieux où vous irez.
slip-free = C'est gratuit. Pas besoin de créer un compte.
slip-privacy = Votre nom n'est pas enregistré. Vos droits : { $address }

# Le papier, quand il n'envoie pas vers un lieu, ou ne doit pas le nommer.
slip-hotline = Appelez ce numéro
slip-institution = Contactez cet organisme
slip-told = On vous a dit de vive voix où aller. Ce n'est pas écrit ici.

# Le papier : la partie que garde la personne qui oriente.
slip-stub = Talon à garder par la personne qui donne ce papier
