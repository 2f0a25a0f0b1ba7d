# Completion of lk and the lk-* tools for bash. Source it from ~/.bashrc, or install it as
# /usr/share/bash-completion/completions/lk.
#
# It keeps no list of its own: the tools answer --list-options with what they take, one option a line and `=` after
# those that want a value, and `lk help` lists the commands. So it cannot fall behind them.

_lk_commands() {
	lk help 2>/dev/null | awk '/^  [a-z]/ { print $1 }'
}

# Completes $2, what was typed of a word, for the tool $1.
_lk_tool() {
	local word=$2 previous=$3
	case $word in
	-*)
		mapfile -t COMPREPLY < <(compgen -W "$("$1" --list-options 2>/dev/null)" -- "$word")
		[[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *= ]] && compopt -o nospace
		return
		;;
	esac
	case $previous in
	-F | --format) mapfile -t COMPREPLY < <(compgen -W "table csv tsv json arrow parquet markdown" -- "$word") ;;
	*) compopt -o filenames && mapfile -t COMPREPLY < <(compgen -f -- "$word") ;;
	esac
}

_lk() {
	local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} tool=${COMP_WORDS[0]##*/}
	COMPREPLY=()
	# "--option=" is three words to readline: the value completes as a file.
	[[ $previous == = || $word == = ]] && word=${word#=} && previous= && COMP_WORDS[COMP_CWORD]=$word
	if [[ $tool != lk ]]; then
		_lk_tool "$tool" "$word" "$previous"
	elif ((COMP_CWORD == 1)) || [[ $COMP_CWORD == 2 && ${COMP_WORDS[1]} == help ]]; then
		case $word in
		-*) mapfile -t COMPREPLY < <(compgen -W "$(lk --list-options)" -- "$word") ;;
		*) mapfile -t COMPREPLY < <(compgen -W "$(_lk_commands) help" -- "$word") ;;
		esac
	else
		_lk_tool "lk-${COMP_WORDS[1]}" "$word" "$previous"
	fi
}

# shellcheck disable=SC2046 # names of tools have no blanks
complete -F _lk lk $(compgen -c lk- | sort -u)
