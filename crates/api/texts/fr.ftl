# Pourquoi un lieu est proposé.
reason-handles-procedure = Ce type de lieu aide pour cette démarche
reason-declares-procedure = Ce lieu déclare aider pour cette démarche
reason-in-charge = C'est l'organisme responsable de la démarche
reason-danger-line = En cas de danger, appelez d'abord cette ligne
reason-in-commune = Dans la commune
reason-distance = À { $distance } à vol d'oiseau
reason-competent-for-commune = Compétent pour les habitants de { $commune }
reason-competent-for-event = C'est la mairie de { $commune }, qui tient le registre de l'acte
reason-session = Permanence dans ce lieu : { $holder }
reason-open-now = Ouvert jusqu'à { $time }
reason-always-open = Ouvert en permanence
reason-next-opening = Fermé ; prochaine ouverture : { $time }
reason-drop-in = Sans rendez-vous
reason-by-appointment = Sur rendez-vous
reason-free = Gratuit
reason-speaks-language = On y parle la langue demandée ({ $language })
reason-wheelchair-accessible = Accessible en fauteuil roulant
reason-capacity-declared = { $capacity ->
    [few_places] Il reste quelques places
   *[other] Des places sont disponibles
  }
reason-aidants-connect = Habilité Aidants Connect
reason-at-home = Peut se déplacer à domicile
reason-record-fresh = Fiche vérifiée il y a moins d'un an
reason-past-outcomes = Pour cette démarche, besoins réglés après un passage ici (réorientations suivies) : { $share }

# Ce à quoi il faut prendre garde.
caution-demonstration = Lieu fictif, pour la démonstration : n'y envoyez personne
caution-disputed = Quelqu'un a signalé une erreur sur cette fiche : téléphonez avant
caution-hours-unknown = Horaires inconnus : téléphonez avant
caution-hours-unchecked = Horaires non vérifiés depuis plus d'un an : téléphonez avant
caution-no-opening-soon = Pas d'ouverture prévue dans les prochains jours
caution-ccas-unlisted = Aucun CCAS de { $commune } n'est enregistré ici : demandez à la mairie, qui en tient lieu ou saura l'indiquer
caution-itinerant = Lieu itinérant ou à plusieurs sites : vérifiez où et quand avant de vous déplacer
caution-position-approximate = Position exacte inconnue : la distance est comptée jusqu'au centre de la commune
caution-appointment-only = Uniquement sur rendez-vous
caution-waiting-list = Liste d'attente
caution-full = Complet en ce moment
caution-area-assumed = Territoire desservi non confirmé : supposé être { $area ->
    [epci] l'intercommunalité
    [region] la région
    [fund] celui de la caisse ou de l'académie
   *[other] le département
  }
caution-far-but-competent = Loin d'ici, mais seul compétent pour { $commune } : téléphonez ou écrivez avant de vous déplacer
caution-france-services-partial = Aide partielle : une étape devra être faite auprès de l'organisme lui-même
caution-personal-presence = La personne doit venir elle-même
caution-mandate-required = Un mandat écrit de la personne est nécessaire
caution-wheelchair-unknown = Accessibilité en fauteuil inconnue : téléphonez avant
caution-language-unknown = Langues parlées inconnues : demandez si quelqu'un parle la langue voulue ({ $language })

# Pourquoi un lieu proche est écarté.
exclusion-not-competent-for-commune = N'est pas compétent pour les habitants de { $commune }
exclusion-procedure-not-declared = On ne sait pas si ce lieu aide pour cette démarche : téléphonez-lui pour le savoir
exclusion-procedure-not-offered = Ce lieu indique ne pas faire cette démarche
exclusion-event-commune-unknown = C'est la mairie de la commune de naissance ou de l'événement qui est compétente, pas celle du domicile
exclusion-not-competent-for-event = La mairie compétente est celle de { $commune }, où l'acte est enregistré
exclusion-kind-not-asked = Apte, mais d'une autre sorte que celles demandées
exclusion-too-far = Apte, mais plus loin que la distance demandée
exclusion-in-person-only = Apte, mais on s'y rend sur place, et une aide à distance est demandée
exclusion-appointment-only = Uniquement sur rendez-vous
exclusion-not-wheelchair-accessible = Non accessible en fauteuil roulant
exclusion-language-not-spoken = On n'y parle pas la langue demandée ({ $language })
exclusion-help-kind-not-offered = N'offre pas l'aide demandée
exclusion-no-telephone = Pas de numéro de téléphone connu

# Ce qui va bien avec les réponses.
also-digital-help = { $where ->
    [here] La démarche se fait aussi en ligne : ce lieu, dans la commune, aide à se servir d'un ordinateur
   *[other] La démarche se fait aussi en ligne : ce lieu, à { $distance } à vol d'oiseau, aide à se servir d'un ordinateur
  }
also-administrative-help = { $where ->
    [here] Pour les démarches administratives elles-mêmes, un espace France services est dans la commune
   *[other] Pour les démarches administratives elles-mêmes, l'espace France services le plus proche est à { $distance } à vol d'oiseau
  }
notice-address-not-located = L'adresse n'a pas pu être située pour le moment : la réponse part du centre de la commune qu'elle nomme
notice-own-rules = Ce territoire a ses propres organismes et ses propres règles : vérifiez à la mairie que la démarche y existe sous cette forme

# Jours et heures.
weekday = { $weekday ->
    [1] lundi
    [2] mardi
    [3] mercredi
    [4] jeudi
    [5] vendredi
    [6] samedi
   *[7] dimanche
  }
month = { $month ->
    [1] janvier
    [2] février
    [3] mars
    [4] avril
    [5] mai
    [6] juin
    [7] juillet
    [8] août
    [9] septembre
    [10] octobre
    [11] novembre
   *[12] décembre
  }
day-of-month = { $day ->
    [1] 1er
   *[other] { $day }
  }
moment = { weekday } { day-of-month } { month } à { $time }
full-moment = { date } à { $time }
date = { weekday } { day-of-month } { month } { $year }

# Que faire quand on est bloqué : les étapes à l'amiable.
step-arcep = Signalez le problème à l'Arcep (jalerte.arcep.fr) si l'opérateur n'a pas répondu à votre réclamation écrite. Cela n'arrête pas le délai d'un recours.
step-association = Faites-vous accompagner par une association qui connaît cette démarche. Cela n'arrête pas le délai d'un recours.
step-ccapex = Demandez à un travailleur social de saisir la commission de prévention des expulsions (Ccapex). Ne comptez pas sur elle pour arrêter la procédure.
step-centre-contact-citoyens = Appelez le centre de contact citoyens de France Titres. Cela n'arrête pas le délai d'un recours.
step-commission-conciliation = Saisissez la commission départementale de conciliation, c'est gratuit. Demandez-lui si cela arrête un délai.
step-commission-dalo = Saisissez la commission de médiation Dalo du département. Demandez-lui si cela arrête un délai.
step-commission-surendettement = Déposez un dossier à la commission de surendettement (Banque de France). Demandez-lui ce que cela suspend.
step-conciliateur-fiscal = Écrivez au conciliateur fiscal du département, si votre réclamation écrite a été refusée ou est restée sans réponse. Cela n'arrête pas le délai d'un recours.
step-conciliateur-justice = Voyez le conciliateur de justice, c'est gratuit. Cela n'arrête pas le délai d'un recours.
step-conciliation-mdph = Demandez à la MDPH une conciliation par une personne qualifiée. Cela arrête le délai d'un recours le temps de la conciliation.
step-consulat = Contactez le consulat. Cela n'arrête pas le délai d'un recours.
step-contact-institution = Contactez l'organisme par son site, son téléphone ou son accueil, et notez la date et le nom de la personne qui répond. Cela n'arrête pas le délai d'un recours.
step-crip = Signalez la situation à la cellule départementale (Crip) ou au 119. Cela n'arrête pas le délai d'un recours.
step-delegue-defenseur-droits = Si un service public est en cause et n'a pas répondu à votre réclamation, voyez le délégué du Défenseur des droits, c'est gratuit. Cela n'arrête pas le délai d'un recours.
step-fsl = Demandez l'aide du fonds de solidarité pour le logement (FSL) du département. Demandez-lui si cela suspend les poursuites.
step-inspection-travail = Contactez l'inspection du travail. Cela n'arrête pas le délai d'un recours.
step-mairie = Voyez la mairie. Cela n'arrête pas le délai d'un recours.
step-mediateur-bancaire = Deux mois après une réclamation écrite à la banque, ou dès son refus, saisissez le médiateur bancaire, c'est gratuit. Ne comptez pas sur lui pour arrêter le délai d'un recours.
step-mediateur-eau = Deux mois après une réclamation écrite au service des eaux, ou dès son refus, saisissez la Médiation de l'eau, c'est gratuit. Ne comptez pas sur elle pour arrêter le délai d'un recours.
step-mediateur-energie = Deux mois après une réclamation écrite au fournisseur, saisissez le médiateur national de l'énergie, c'est gratuit. Ne comptez pas sur lui pour arrêter le délai d'un recours.
step-mediateur-france-travail = Après une réclamation écrite, saisissez le médiateur de France Travail. Selon le cas, cela arrête ou non le délai d'un recours : demandez-le-lui et n'attendez pas sa réponse.
step-mediateur-institution = Après une réclamation écrite, saisissez le médiateur de l'organisme. Selon le cas, cela arrête ou non le délai d'un recours : demandez-le-lui et n'attendez pas sa réponse.
step-mediateur-msa = Après une réclamation écrite, saisissez le médiateur de la MSA. Cela arrête le délai d'un recours jusqu'à son avis.
step-mediation-numerique = Faites-vous aider par un conseiller numérique ou dans un espace numérique. Cela n'arrête pas le délai d'un recours.
step-point-justice = Voyez un point-justice (3039), c'est gratuit : on y explique vos droits et le délai. Cela n'arrête pas le délai d'un recours.
step-point-numerique-prefecture = Allez au point numérique de la préfecture ou de la sous-préfecture. Cela n'arrête pas le délai d'un recours.
step-procureur = Écrivez au procureur de la République. Cela n'arrête pas le délai d'un recours.
step-reclamation-ecrite = Faites une réclamation écrite à l'organisme et gardez-en une copie et la preuve d'envoi. Cela n'arrête pas le délai d'un recours.
step-referent = Demandez à un professionnel de joindre le contact réservé de l'organisme. Cela n'arrête pas le délai d'un recours.
step-service-social-departement = Voyez une assistante sociale du département. Cela n'arrête pas le délai d'un recours.
step-signal-conso = Signalez le problème sur signal.conso.gouv.fr. Cela n'arrête pas le délai d'un recours.

# À partir de quand court un délai.
event-notification = la notification de la décision
event-previous-step = la réponse à l'étape d'avant, ou la fin du temps laissé pour y répondre
event-service = la signification de l'acte par un commissaire de justice
event-sending = l'envoi du courrier
event-collection = la mise en recouvrement de l'impôt, dont la date est écrite sur l'avis
event-silence = la date où le silence vaut refus
event-event = l'événement lui-même

# Combien dure un délai.
limit-hours = { $number ->
    [one] { $number } heure
   *[other] { $number } heures
  }
limit-days = { $number ->
    [one] { $number } jour
   *[other] { $number } jours
  }
limit-months = { $number } mois
limit-years = { $number ->
    [one] { $number } an
   *[other] { $number } ans
  }
limit-year-end = { $number ->
    [1] jusqu'au 31 décembre de l'année qui suit
   *[other] jusqu'au 31 décembre de la { $number }e année qui suit
  }
span = { $limit } à compter de { $event }
span-year-end = { $limit } { $event }

# Les étapes d'un recours.
stage = { $body } : { $span }.
stage-no-limit = { $body } : lisez le délai sur votre courrier, il n'est pas enregistré ici.
stage-unverified = Lisez aujourd'hui le délai et l'adresse de recours écrits sur votre courrier, et voyez un point-justice (3039) : nous n'avons pas vérifié ce recours.
stage-others-unverified = Pour tout autre recours, non vérifié ici, lisez aujourd'hui le délai et l'adresse écrits sur votre courrier, et voyez un point-justice (3039).

# Comment un dernier jour est compté.
deadline-days = Dernier jour pour agir : le { $date }. C'est { $span } ; ce jour-là n'est pas compté.
deadline-months = Dernier jour pour agir : le { $date }. C'est { $span }, jusqu'au jour qui porte le même numéro, ou jusqu'au dernier du mois.
deadline-franc = Dernier jour pour agir : le { $date }. C'est { $span }, en « délai franc » : ni le premier ni le dernier jour ne sont comptés.
deadline-year-end = Dernier jour pour agir : le { $date }. C'est { $span }.
deadline-hours = Dernière heure pour agir : le { $moment }. C'est { $span }, d'heure à heure ; un dimanche ou un jour férié n'y change rien.
deadline-hours-from-midnight = Agissez avant le { $moment }. C'est { $span }, comptées depuis le début du jour indiqué, faute d'heure : c'est l'heure écrite sur l'acte qui décide. Un dimanche ou un jour férié n'y change rien.
deadline-moved = { $why ->
    [public_holiday] Le délai finissait le { $from }, jour férié : il est reporté au premier jour ouvrable.
    [local_holiday] Le délai finissait le { $from }, jour férié local : il est reporté au premier jour ouvrable.
   *[other] Le délai finissait le { $from } : il est reporté au premier jour ouvrable.
  }
deadline-elsewhere = Les jours fériés de votre territoire sont comptés : si l'organisme est ailleurs, agissez au plus tard le { $elsewhere }.
deadline-not-moved = Ce jour n'est pas ouvrable : ne comptez pas sur un report, il n'est pas sûr.
deadline-service = La date qui compte est celle de l'acte du commissaire de justice.
deadline-past = Compté ainsi, ce délai est passé. Des exceptions existent : voyez un point-justice (3039) sans attendre.
deadline-next-step = Étape suivante : { $span }. Le dernier jour se calculera à ce moment-là.
deadline-other-event = { $span } : ce n'est pas la date de notification, le dernier jour n'est donc pas calculé ici.
deadline-no-limit = Le délai de cette étape n'est pas enregistré ici : lisez-le sur le courrier reçu.
advice = Ce calcul est une aide, pas un avis de droit : relisez le délai et l'adresse écrits sur la décision, et n'attendez pas le dernier jour. En cas de doute, voyez un point-justice (3039), c'est gratuit.
advice-hours = Les heures comptent : joignez maintenant un avocat, une association d'aide juridique ou le 3039.
advice-past = Un délai est passé : des exceptions existent (délai non indiqué sur la décision, aide juridictionnelle demandée à temps, empêchement grave). Voyez un point-justice (3039) aujourd'hui.
advice-unverified = D'autres recours sont possibles, que nous n'avons pas vérifiés : leur délai peut être plus court, lisez-le sur la décision.
advice-distance = Outre-mer et à l'étranger, la loi ajoute parfois un ou deux mois (code de procédure civile, articles 643 et 644 ; code de justice administrative, article R421-7) : ce calcul ne les compte pas.

# Les contacts réservés aux professionnels.
referent-available = Joignable cette semaine.
referent-lapsed = Joignable, mais son organisme n'a pas confirmé ce contact récemment : vérifiez-le.
referent-full = Sa semaine est complète : de nouveau joignable le { $day }.
referent-absent = Absent : de nouveau joignable le { $day }.
