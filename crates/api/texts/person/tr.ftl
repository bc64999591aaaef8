# Ce que lit une personne orientée, en turc : la page où elle dit si elle a eu de l'aide (/c/ et son code), ce qui est gardé avec
# son code, et le papier qu'on lui donne. Phrases courtes, mots de tous les jours, sans genre quand c'est simple. Les mêmes clés,
# dans le même ordre, dans chaque langue.
# Le papier porte chaque phrase en français, puis dans cette langue.

language-name = Türkçe
direction = ltr

# La page « Avez-vous eu de l'aide ? ».
helped-title = Yardım alabildiniz mi?
helped-intro = Biri size resmî bir işlem için nereye gideceğinizi söyledi. Nasıl geçtiğini bize bildirin. Adınızı ve telefon numaranızı sormuyoruz.
helped-resolved = Evet, işim halloldu
helped-partially = Kısmen
helped-unresolved = Hayır, henüz değil
helped-not-needed = Artık ihtiyacım yok
helped-thanks-title = Teşekkür ederiz
helped-thanks = Cevabınız kaydedildi. Bu cevap, sonraki kişileri daha iyi yönlendirmeye yardımcı olur.
helped-change = Fikrinizi değiştirebilirsiniz: yeniden cevap verin.
helped-why = Neden? (söylemek isterseniz)
why-cannot-travel = Oraya gidemedim
why-missing-documents = Bir belgem eksikti
why-temporarily-closed = Kapalıydı
why-moved-or-closed = Bu yer artık yok veya başka yere taşınmış
why-wrong-service = Doğru yer değildi
why-no-capacity = Boş yer kalmamıştı
why-appointment-only = Randevu almak gerekiyordu
why-digital-or-language-barrier = Dil veya internet yüzünden çok zor oldu
why-other = Başka bir neden
helped-what-next = Kodunuzla birlikte, bu kâğıdı size veren kişiye yeniden gidebilirsiniz. Size başka bir yer söyleyebilir.
# $answer : l'une des réponses ci-dessus, dans la même langue.
helped-already = Daha önce cevap verdiniz: { $answer }

# La page où l'on tape son code.
code-title = Kodunuz
code-label = Kâğıdınızda yazan kod
code-hint = 10 harf ve rakam
code-go = Devam et
code-unknown-title = Bu kod tanınmadı
code-unknown = Kâğıdınızdaki kodu kontrol edin: 10 harf ve rakam. Sorun devam ederse, kodu size veren kişiye sorun.
code-too-many-title = Çok fazla deneme
code-too-many = Bu internet bağlantısından çok fazla yanlış kod denendi. Bir saat sonra yeniden deneyin.

# Ce qui est gardé avec un code.
your-data = Bilgileriniz
your-data-intro = Bu kodla birlikte sakladığımız bilgiler bunlardır. Adınız ve adresiniz bunların içinde yoktur.
your-data-download = Saklanan bilgileri indir
your-data-erase = Hepsini sil
your-data-erase-sure = Bu koda bağlı her şey bir daha geri gelmemek üzere silinecek. Kod artık çalışmayacak.
your-data-erase-confirm = Evet, hepsini sil
your-data-erased-title = Silindi
your-data-erased = Bu kodla artık hiçbir bilgi saklanmıyor.
back = Geri
privacy-link = Haklarınız ve bilgileriniz

# Le papier : où aller. Les noms de démarches, de lieux et de communes y sont en français dans toutes les langues : aucune phrase
# ne les accorde ni ne les décline, et deux points les précèdent quand la langue l'aurait demandé.
slip-title = Nereye gideceksiniz
slip-for = İşlem: { $procedure }
slip-address = Adres
slip-directions = Oraya nasıl gidilir
# $distance : « 1,2 km ». $direction : l'un des huit points cardinaux qui suivent, écrits pour cette phrase.
slip-directions-from = { $place } noktasından kuş uçuşu { $distance }, { $direction } yönünde
slip-directions-in = Şehir veya köy: { $commune }
compass-n = kuzey
compass-ne = kuzeydoğu
compass-e = doğu
compass-se = güneydoğu
compass-s = güney
compass-sw = güneybatı
compass-w = batı
compass-nw = kuzeybatı

# Le papier : quand y aller.
slip-hours = Açık olduğu saatler
slip-hours-unknown = Açık olduğu saatleri bilmiyoruz. Gitmeden önce telefon edin.
slip-hours-vary = Açık olduğu saatler her zaman aynı değil. Gitmeden önce telefon edin.
slip-hours-closed = kapalı
# $days : un jour, deux jours joints par slip-and, ou slip-hours-range. $times : slip-hours-span, ou deux joints par slip-and, ou
# slip-hours-closed.
slip-hours-days = { $days }: { $times }
slip-hours-span = { $from } – { $to }
slip-hours-range = { $first } – { $last }
slip-hours-always = Her gün, gece gündüz açık
# Joint deux mots ; les espaces autour ne sont pas ici. En arabe, il se colle au mot qui suit.
slip-and = ve
weekday-1 = pazartesi
weekday-2 = salı
weekday-3 = çarşamba
weekday-4 = perşembe
weekday-5 = cuma
weekday-6 = cumartesi
weekday-7 = pazar
slip-by-appointment = Randevu ile: önce telefon edin
slip-drop-in = Randevu gerekmez

# Le papier : joindre le lieu, et ce qu'il faut y apporter et y dire.
slip-phone = Telefon
slip-website = İnternet sitesi
slip-bring = Yanınızda götürecekleriniz
slip-bring-nothing = Özel bir şey istenmiyor. Bu kâğıdı yanınızda götürün.
slip-say = Oradaki görevliye gösterebileceğiniz veya söyleyebileceğiniz şeyler
slip-say-sentence = Merhaba. Buraya gelmem söylendi. İşlem: { $procedure }. Kodum: { $code }.
slip-say-sentence-discreet = Merhaba. Buraya gelmem söylendi. Kodum: { $code }.

# Le papier : le code, et ce qui le suit.
slip-code = Kodunuz
slip-scan = Sonra yardım alıp almadığınızı bize bildirin: bu kareyi telefonunuzun kamerasıyla okutun veya şu adrese gidin: { $address }
slip-keep = Bu kâğıdı saklayın. Gideceğiniz diğer yerlerde kodu gösterin.
slip-free = Ücretsizdir. Hesap açmanız gerekmez.
slip-privacy = Adınız kaydedilmez. Haklarınız: { $address }

# Le papier, quand il n'envoie pas vers un lieu, ou ne doit pas le nommer.
slip-hotline = Bu numarayı arayın
slip-institution = Bu kurumla iletişime geçin
slip-told = Nereye gideceğiniz size sözlü olarak söylendi. Burada yazmıyor.

# Le papier : la partie que garde la personne qui oriente.
slip-stub = Bu kâğıdı veren kişinin saklayacağı parça
