# Ce que lit une personne orientée, en portugais (du Portugal) : la page où elle dit si elle a eu de l'aide (/c/ et son code), ce qui est gardé avec
# son code, et le papier qu'on lui donne. Phrases courtes, mots de tous les jours, sans genre quand c'est simple. Les mêmes clés,
# dans le même ordre, dans chaque langue.
# Le papier porte chaque phrase en français, puis dans cette langue.

language-name = Português
direction = ltr

# La page « Avez-vous eu de l'aide ? ».
helped-title = Conseguiu ajuda?
helped-intro = Alguém lhe indicou onde ir para tratar de um assunto. Diga-nos como correu. Não pedimos o seu nome nem o seu telefone.
helped-resolved = Sim, está resolvido
helped-partially = Em parte
helped-unresolved = Não, ainda não
helped-not-needed = Já não preciso
helped-thanks-title = Agradecemos
helped-thanks = A sua resposta ficou registada. Ajuda a orientar melhor as próximas pessoas.
helped-change = Pode mudar de ideias: responda outra vez.
helped-why = Porquê? (se quiser dizer)
why-cannot-travel = Não consegui lá ir
why-missing-documents = Faltava-me um documento
why-temporarily-closed = Estava fechado
why-moved-or-closed = Este local já não existe, ou mudou de morada
why-wrong-service = Não era o local certo
why-no-capacity = Já não havia vagas
why-appointment-only = Era preciso ter marcação
why-digital-or-language-barrier = Foi demasiado difícil por causa da língua ou da internet
why-other = Outro motivo
helped-what-next = Pode voltar a falar com a pessoa que lhe deu este papel, com o seu código. Essa pessoa pode indicar-lhe outro local.
# $answer : l'une des réponses ci-dessus, dans la même langue.
helped-already = Já respondeu: { $answer }

# La page où l'on tape son code.
code-title = O seu código
code-label = O código escrito no seu papel
code-hint = 10 letras e números
code-go = Continuar
code-unknown-title = Este código não foi reconhecido
code-unknown = Verifique o código no seu papel: 10 letras e números. Se o problema continuar, fale com a pessoa que lhe deu o código.
code-too-many-title = Demasiadas tentativas
code-too-many = Foram tentados demasiados códigos errados nesta ligação à internet. Tente de novo daqui a uma hora.

# Ce qui est gardé avec un code.
your-data = Os seus dados
your-data-intro = Isto é o que guardamos com este código. Não inclui o seu nome nem a sua morada.
your-data-download = Descarregar o que está guardado
your-data-erase = Apagar tudo
your-data-erase-sure = Tudo o que está ligado a este código será apagado para sempre. O código deixará de funcionar.
your-data-erase-confirm = Sim, apagar tudo
your-data-erased-title = Está apagado
your-data-erased = Já não guardamos nada com este código.
back = Voltar
privacy-link = Os seus direitos e os seus dados

# Le papier : où aller. Les noms de démarches, de lieux et de communes y sont en français dans toutes les langues : aucune phrase
# ne les accorde ni ne les décline, et deux points les précèdent quand la langue l'aurait demandé.
slip-title = Onde ir
slip-for = Para: { $procedure }
slip-address = Morada
slip-directions = Como lá chegar
# $distance : « 1,2 km ». $direction : l'un des huit points cardinaux qui suivent, écrits pour cette phrase.
slip-directions-from = A { $distance } em linha reta a partir de { $place }, para { $direction }
slip-directions-in = Localidade: { $commune }
compass-n = norte
compass-ne = nordeste
compass-e = leste
compass-se = sudeste
compass-s = sul
compass-sw = sudoeste
compass-w = oeste
compass-nw = noroeste

# Le papier : quand y aller.
slip-hours = Horário
slip-hours-unknown = Não sabemos o horário. Telefone antes de ir.
slip-hours-vary = O horário nem sempre é o mesmo. Telefone antes de ir.
slip-hours-closed = fechado
# $days : un jour, deux jours joints par slip-and, ou slip-hours-range. $times : slip-hours-span, ou deux joints par slip-and, ou
# slip-hours-closed.
slip-hours-days = { $days }: { $times }
slip-hours-span = das { $from } às { $to }
slip-hours-range = de { $first } a { $last }
slip-hours-always = Aberto todos os dias, de dia e de noite
# Joint deux mots ; les espaces autour ne sont pas ici. En arabe, il se colle au mot qui suit.
slip-and = e
weekday-1 = segunda-feira
weekday-2 = terça-feira
weekday-3 = quarta-feira
weekday-4 = quinta-feira
weekday-5 = sexta-feira
weekday-6 = sábado
weekday-7 = domingo
slip-by-appointment = Com marcação: telefone primeiro
slip-drop-in = Sem marcação

# Le papier : joindre le lieu, et ce qu'il faut y apporter et y dire.
slip-phone = Telefone
slip-website = Site na internet
slip-bring = O que levar
slip-bring-nothing = Não é pedido nada de especial. Leve este papel.
slip-say = O que pode mostrar ou dizer na receção
slip-say-sentence = Bom dia. Disseram-me para vir aqui. É para: { $procedure }. O meu código é: { $code }.
slip-say-sentence-discreet = Bom dia. Disseram-me para vir aqui. O meu código é: { $code }.

# Le papier : le code, et ce qui le suit.
slip-code = O seu código
slip-scan = Depois, diga-nos se conseguiu ajuda: aponte a câmara do telemóvel para este quadrado, ou vá a { $address }
slip-keep = Guarde este papel. Mostre o código nos outros locais aonde for.
slip-free = É gratuito. Não precisa de criar uma conta.
slip-privacy = O seu nome não fica registado. Os seus direitos: { $address }

# Le papier, quand il n'envoie pas vers un lieu, ou ne doit pas le nommer.
slip-hotline = Ligue para este número
slip-institution = Contacte este organismo
slip-told = Disseram-lhe de viva voz onde ir. Não está escrito aqui.

# Le papier : la partie que garde la personne qui oriente.
slip-stub = Talão a guardar pela pessoa que dá este papel
