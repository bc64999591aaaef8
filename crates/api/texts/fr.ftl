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
reason-open-now = Ouvert en ce moment, jusqu'à { $time }
reason-always-open = Ouvert en permanence
reason-next-opening = Fermé en ce moment ; prochaine ouverture : { $time }
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

# Ce à quoi il faut prendre garde.
caution-demonstration = Lieu fictif, pour la démonstration : n'y envoyez personne
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

moment = { $weekday ->
    [1] lundi
    [2] mardi
    [3] mercredi
    [4] jeudi
    [5] vendredi
    [6] samedi
   *[7] dimanche
  } { $day } { $month ->
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
  } à { $time }
