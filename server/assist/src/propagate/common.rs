//! Names that many types have: on something of unknown type such a member need not be the workspace's own.

/// Members of the types of standard libraries and of much-used packages, without `_` and in lower case, sorted.
const COMMON: &str = "abs accept access add addall addclass adderror addeventlistener addr after alias align all alloc and andthen any append appendchild apply argument arguments args array as asany asbytes asderef \
asmut asptr asref assign asslice asstr astype async at attr attributes await back base before begin bind bits block body borrow borrowmut bottom bounds buffer build builder bytelength bytes call callback cancel \
capacity cast catch cause center chain char charat charcodeat chars check checkedadd checkedsub child children chunks class classlist classname clear click clone cloned close cmp code collect color columns \
commit compare compile concat config configure connect consume contains containskey content context convert copied copy count counts create createelement current cursor cwd data date datetime day debug decode \
default defaultvalue defer delete depth description deserialize detach dim dir disabled dispatch display div drain drop dtype dump dumps duration each element elements elapsed emit empty enabled encode end ends endswith \
endtime enter entries entry enumerate env eq equal equals err errno error errors escape eval event events exclude exec execute exists exit expand expect expr extend extension fd field fields file filename fileno files \
fill filter filtermap finally find findall findindex first firstchild fit flags flatmap flatten flush fmt fold for foreach fork format formatter forward fragment from fromiter fromstr full fullmatch func function \
get getall getattr getattribute getdefault getelementbyid getint getitem getlogger getmessage getmut getname getorinsertwith getstring getter getvalue git global go group groups gt handle handler handlers has hasattribute hasattr \
hash hasher hasownproperty head header headers height hex host hostname hour href html icon id ident idx ignore image import in inc include includes index indexof info init inner innerhtml input insert \
insertbefore inspect install instance int interval into intoinner intoiter invoke io is isalpha isalnum isascii isdigit isdir isempty iserr isfile isnone isnull isok isolformat issome isspace issubset item items iter itermut \
iterator join json key keys keyword kill kind kwargs label lang language last lastchild lastindexof layout left len length level limit line lineno lines link list listen load loads local location lock \
log logger lower lstrip lt main makedirs map maperr mark mask match matches matchall max maxby mean median mem merge message messages metadata method methods millis min minby minute mkdir mod mode model modified module month \
mount move msg mul name names namespace ne neg new next nextsibling node nodetype none not notify now num number object of off offset ok okor on once onclick ondata onerror onload op open operator options or order \
origin other out output owner pad padding page pair panic params parent parentelement parentnode parse parsefloat parseint part partition parts pass path pathname pattern peek pending pid pipe pixel play plot poll pop port pos \
position post pow prefix prepare prepend preventdefault previous print printf priority process product progress promise properties property props protocol prototype ptr public push pushback pushstr put query queue quit quote raise \
range rank raw read readall readdir readexact readfile readline readlines readstring readtoend readtostring ready reason receive record recv reduce ref refresh regex region register reject release reload rem remove removeall removechild \
removeeventlistener rename render repeat replace replaceall reply report repr request require reserve reset reshape resize resolve resource response rest result results retain return returns rev reverse rfind right role root rotate \
round route row rows run save scale scan schedule schema scope score screen script scroll search second section seek select selected selector self send sendall sep separator sequence serialize server service session set \
setattr setattribute setdefault setinterval setitem setstate settimeout setup setvalue shape shared shift show shrinktofit shutdown signal signature size skip skipwhile sleep slice sort sortby sorted sortunstable source span spawn \
splice split splitat splitlines splitonce splitwhitespace sqrt src stack start starts startswith starttime stat state statement status statuscode std stderr stdin stdout step stop stopped store str strftime string strings strip strip stripprefix \
stripsuffix strptime style sub submit subscribe subset substr substring success sum summary super swap symbol sync tag tagname tags tail take takewhile target task tempdir term test text textcontent then thread throw time timeout \
timer times timestamp title to toarray toascii tobe tobytes todict toequal toggle tohex toint toisostring tojson token tokens tolist tolower tolowercase toowned top tostring total tostr toupper touppercase trace track transform transpose trim trimend trimstart \
truncate try tryfrom tryinto type typename types unlink unlock unpack unregister unwrap unwraperr unwrapor unwrapordefault unwraporelse update upper uri url user username usersinput utf8 uuid validate value valueof values var variable variables verify \
version view visible visit wait waitfor warn warning watch weight which while width window with withcapacity words work wrap write writeall writefile writefmt writestr writestring writeto writelines x xor y year yield z zeros zip";

/// Whether a member of that name may well be of a type from elsewhere.
pub(super) fn is_common(name: &str) -> bool {
    let plain = name.replace('_', "").to_lowercase();
    plain.len() < 3 || COMMON.split(' ').any(|known| known == plain)
}

#[cfg(test)]
mod tests {
    use super::is_common;

    #[test]
    fn what_is_common() {
        for name in ["get", "toString", "to_string", "is_empty", "ID", "x"] {
            assert!(is_common(name), "{name}");
        }
        for name in ["parse_header", "retryPolicy", "Wibble"] {
            assert!(!is_common(name), "{name}");
        }
    }
}
